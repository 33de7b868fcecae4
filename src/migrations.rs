//! Migrations at the start of a serving process.

use std::time::Duration;

use anyhow::Context;
use platform::db;
use sqlx::migrate::MigrateError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::settings::MigrateMode;
use crate::store::Store;

const RETRY: Duration = Duration::from_secs(2);

/// Does what `mode` says. A database that is away does not keep the others from serving: its
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

/// For a command: as [`at_start`], of a database that must be there.
pub async fn before_work(mode: MigrateMode, store: &Store) -> anyhow::Result<()> {
    match mode {
        MigrateMode::Off => Ok(()),
        MigrateMode::Check => refuse_behind(store).await,
        MigrateMode::Auto => db::migrate(&store.pool, store.migrator)
            .await
            .with_context(|| format!("the database of {}", store.module)),
    }
}

/// An error that names the command to run when migrations are missing.
pub async fn refuse_behind(store: &Store) -> anyhow::Result<()> {
    let missing = store
        .missing()
        .await
        .with_context(|| format!("the database of {}", store.module))?;
    anyhow::ensure!(
        missing.is_empty(),
        "the database of {module} is behind by {} migrations, which are not applied here: run `cleave migrate {module}`",
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
