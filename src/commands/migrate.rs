use std::time::Duration;

use anyhow::Context;
use platform::db;
use serde_json::json;
use sqlx::migrate::MigrateError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Outcome;
use crate::cli::Output;
use crate::databases::{Databases, Tenancy};
use crate::settings::{MigrateMode, Module, Settings};
use crate::wiring::Store;

const RETRY: Duration = Duration::from_secs(2);

/// `cleave migrate`: brings databases up to date, or says what is missing.
pub async fn run(
    settings: Settings,
    modules: Vec<Module>,
    check: bool,
    output: Output,
) -> anyhow::Result<Outcome> {
    let modules = match modules.is_empty() {
        true => settings.hosted().collect(),
        false => modules,
    };
    let databases = Databases::open(&settings, &modules, Tenancy::Share).await?;
    let outcome = migrate_all(&settings, &modules, &databases, check, output).await;
    databases.close().await;
    outcome
}

async fn migrate_all(
    settings: &Settings,
    modules: &[Module],
    databases: &Databases,
    check: bool,
    output: Output,
) -> anyhow::Result<Outcome> {
    let mut behind = false;
    let mut report = serde_json::Map::new();
    for module in modules {
        let store = Store::of(*module, &databases.pool(settings, *module)?);
        let missing = store
            .missing()
            .await
            .with_context(|| format!("the database of {module}"))?;
        if !check {
            db::migrate(&store.pool, store.migrator)
                .await
                .with_context(|| format!("migrating the database of {module}"))?;
        }
        store.pool.close().await;
        behind |= check && !missing.is_empty();
        if !output.json {
            say(*module, &missing, check);
        }
        let key = if check { "missing" } else { "applied" };
        report.insert(module.name().to_owned(), json!({ key: missing }));
    }
    if output.json {
        println!("{}", serde_json::Value::Object(report));
    }
    Ok(if behind {
        Outcome::Failed
    } else {
        Outcome::Done
    })
}

fn say(module: Module, migrations: &[db::Missing], check: bool) {
    if migrations.is_empty() {
        println!("{module}: up to date");
    }
    let verb = if check { "missing" } else { "applied" };
    for migration in migrations {
        println!(
            "{module}: {verb} {:04} {}",
            migration.version, migration.description
        );
    }
}

/// At the start of `serve`. A database that is away does not keep the others from serving: its
/// migrations follow when it is back, and readiness waits for them.
pub async fn at_start(
    mode: MigrateMode,
    stores: &[Store],
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    for store in stores {
        match mode {
            MigrateMode::Off => {}
            MigrateMode::Check => refuse_behind(store).await?,
            MigrateMode::Auto => match db::migrate(&store.pool, store.migrator).await {
                Ok(()) => {}
                Err(error) if is_away(&error) => {
                    tracing::warn!(module = %store.module, %error, "the database is away; migrations follow");
                    tasks.spawn(migrate_when_back(store.clone(), stop.clone()));
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("migrating the database of {}", store.module));
                }
            },
        }
    }
    Ok(())
}

async fn refuse_behind(store: &Store) -> anyhow::Result<()> {
    let missing = store
        .missing()
        .await
        .with_context(|| format!("the database of {}", store.module))?;
    anyhow::ensure!(
        missing.is_empty(),
        "the database of {module} is behind by {} migrations and `migrate` is `check`: run `cleave migrate {module}`",
        missing.len(),
        module = store.module,
    );
    Ok(())
}

async fn migrate_when_back(store: Store, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
        match db::migrate(&store.pool, store.migrator).await {
            Ok(()) => {
                return tracing::info!(module = %store.module, "the database is back and up to date");
            }
            Err(error) if is_away(&error) => {}
            Err(error) => {
                tracing::error!(module = %store.module, %error, "a migration failed; the module is not ready");
            }
        }
    }
}

fn is_away(error: &MigrateError) -> bool {
    match error {
        MigrateError::Execute(error) => db::failure(error) == db::Failure::Unavailable,
        _ => false,
    }
}
