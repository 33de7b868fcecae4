use anyhow::Context;
use platform::db;
use serde_json::json;

use super::Outcome;
use crate::cli::Output;
use crate::databases::{Databases, Tenancy};
use crate::settings::{Module, Settings};
use crate::store::Store;

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

fn say(module: Module, migrations: &[db::Migration], check: bool) {
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
