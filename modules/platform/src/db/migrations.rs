use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;

use super::ACQUIRE_TIMEOUT;
use crate::Pool;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    pub version: i64,
    pub description: String,
}

/// What a database has of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The newest that the database has.
    pub applied: Option<i64>,
    /// The newest that this program knows.
    pub latest: Option<i64>,
    /// Those that the database has not seen.
    pub missing: Vec<Migration>,
}

pub async fn history(
    database: &mut PgConnection,
    migrator: &Migrator,
) -> Result<History, sqlx::Error> {
    let known = sqlx::query_scalar::<_, bool>("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *database)
        .await?;
    let applied: Vec<i64> = if known {
        sqlx::query_scalar("select version from _sqlx_migrations where success")
            .fetch_all(database)
            .await?
    } else {
        Vec::new()
    };
    let missing = migrator
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| Migration {
            version: migration.version,
            description: migration.description.to_string(),
        });
    Ok(History {
        missing: missing.collect(),
        latest: migrator.iter().map(|migration| migration.version).max(),
        applied: applied.into_iter().max(),
    })
}

/// What [`migrate`] would do; empty when the database is up to date.
pub async fn missing_migrations(
    pool: &Pool,
    migrator: &Migrator,
) -> Result<Vec<Migration>, sqlx::Error> {
    let mut database = pool.acquire().await?;
    Ok(history(&mut database, migrator).await?.missing)
}

/// Brings a database up to date. Replicas that come at the same time wait for the first; each
/// migration is one transaction, so a failed one leaves the old schema.
pub async fn migrate(pool: &Pool, migrator: &Migrator) -> Result<(), MigrateError> {
    // An index over a large table may take longer than a request may.
    let options = pool.connect_options().options([("statement_timeout", "0")]);
    let patient = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    let result = lenient(migrator).run(&patient).await;
    patient.close().await;
    result
}

/// As [`migrate`], within a transaction that is open.
pub async fn migrate_within(
    transaction: &mut PgConnection,
    migrator: &Migrator,
) -> Result<(), MigrateError> {
    lenient(migrator).run(transaction).await
}

/// A history that goes on after ours is that of a newer release, which keeps to what we use.
fn lenient(migrator: &Migrator) -> Migrator {
    Migrator {
        migrations: migrator.migrations.clone(),
        ignore_missing: true,
        ..Migrator::DEFAULT
    }
}
