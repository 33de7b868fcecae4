//! The contents of an archive instead of what a database holds, in one transaction: everybody else
//! sees what was there, or what is there then.

use std::time::Duration;

use anyhow::Context;
use platform::db::{self, Failure, failure};
use sqlx::migrate::Migrate;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction};

use super::contents::Contents;
use super::erasures::Erasures;
use super::schema::{Schema, go_on_counting};
use super::script::{Archive, Part, Script};
use crate::settings::Module;
use crate::store::migrator;

/// Long enough for Postgres to end a vacuum that is in the way; meanwhile requests wait behind us.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '1500ms'";
/// Whoever holds a lock for longer than all of them together has to be looked for.
const LOCK_ATTEMPTS: u32 = 20;
const IN_THE_WAY: &str = "somebody is at work in this database for longer than a restore waits: see pg_stat_activity, and try again";

/// Answers what migrations of this program had to follow. `loaded` is told how many bytes of rows
/// are in.
pub async fn replace(
    database: &mut PgConnection,
    module: Module,
    archive: &Archive,
    contents: &Contents,
    loaded: impl Fn(u64),
) -> anyhow::Result<Vec<db::Migration>> {
    // Nobody migrates meanwhile; the connection's end lets go.
    database.lock().await?;
    let mut tx = database.begin().await?;
    let migrated = put_in(&mut tx, module, archive, contents, loaded)
        .await
        .context("nothing was changed")?;
    tx.commit()
        .await
        .context("nobody knows whether it was kept")?;
    Ok(migrated)
}

async fn put_in(
    tx: &mut PgTransaction<'_>,
    module: Module,
    archive: &Archive,
    contents: &Contents,
    loaded: impl Fn(u64),
) -> anyhow::Result<Vec<db::Migration>> {
    let schema = Schema(&archive.schema);
    let tables = schema.tables(tx).await?;
    lock(tx, &tables).await?;
    let numbers = schema.numbers(tx).await?;
    let erasures = Erasures::of(module, tx).await?;
    for statement in schema.drops(tx).await? {
        run(tx, statement).await?;
    }

    run(tx, archive.statements("pre-data").await?).await?;
    let rows = load(tx, archive.rows()?, loaded).await?;
    anyhow::ensure!(rows == contents.rows, "the file changes while it is read");
    run(tx, archive.statements("post-data").await?).await?;

    // The script has settings of its own.
    run(tx, "reset all".to_owned()).await?;
    let missing = db::history(tx, migrator(module)).await?.missing;
    db::migrate_within(tx, migrator(module)).await?;
    erasures.repeat(tx).await?;
    go_on_counting(tx, numbers).await?;
    // From the first statement on, plans are made for the rows that are there.
    let tables = schema.tables(tx).await?.join(", ");
    run(tx, format!("analyze {tables}")).await?;
    Ok(missing)
}

/// Gives way to whoever is at work in the tables, so that nobody waits for long, and tries again.
async fn lock(tx: &mut PgTransaction<'_>, tables: &[String]) -> anyhow::Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let all = format!("lock table {} in access exclusive mode", tables.join(", "));
    for _ in 0..LOCK_ATTEMPTS {
        let mut attempt = tx.begin().await?;
        run(&mut attempt, LOCK_TIMEOUT.to_owned()).await?;
        match run(&mut attempt, all.clone()).await {
            Ok(()) => return Ok(attempt.commit().await?),
            Err(error) if is_in_the_way(&error) => attempt.rollback().await?,
            Err(error) => return Err(error.into()),
        }
        let pause = Duration::from_millis(rand::random_range(100..500));
        tokio::time::sleep(pause).await;
    }
    anyhow::bail!(IN_THE_WAY)
}

fn is_in_the_way(error: &sqlx::Error) -> bool {
    matches!(failure(error), Failure::Timeout | Failure::Contention)
}

/// Answers how many rows there were.
async fn load(
    tx: &mut PgTransaction<'_>,
    mut script: Script,
    loaded: impl Fn(u64),
) -> anyhow::Result<u64> {
    let (mut rows, mut bytes) = (0, 0);
    let mut some = Vec::new();
    while let Some(part) = script.next().await? {
        let copy = match part {
            Part::Copy(copy) => copy,
            Part::Statements(statements) => {
                run(tx, statements).await?;
                continue;
            }
        };
        let mut table = tx.copy_in_raw(&copy).await?;
        let mut more = true;
        while more {
            some.clear();
            more = script.rows(&mut some).await?;
            table.send(&*some).await?;
            bytes += some.len() as u64;
            loaded(bytes);
        }
        rows += table.finish().await?;
    }
    script.end().await?;
    Ok(rows)
}

async fn run(tx: &mut PgTransaction<'_>, statements: String) -> Result<(), sqlx::Error> {
    // Of names that Postgres has quoted, or of an archive that its owner trusts.
    let statements = sqlx::raw_sql(AssertSqlSafe(statements));
    statements.execute(&mut **tx).await?;
    Ok(())
}
