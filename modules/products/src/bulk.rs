//! Transactions that write many products.

use std::time::Duration;

use platform::{Pool, db};
use sqlx::{ConnectOptions, Connection, PgTransaction};
use tracing::log::LevelFilter;

/// What changes the catalogue as a whole.
const MANY: u64 = 10_000;

pub(crate) async fn begin(pool: &Pool) -> Result<PgTransaction<'static>, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    // A chunk may take longer than a request's statement. New entries of the search index wait in
    // a list until they are put in their places together, which is cheaper the longer it is. What is
    // planned while a table is empty is used when it is not any more.
    sqlx::query!(
        "select set_config('statement_timeout', '60s', true) as patience,
            set_config('enable_seqscan', 'off', true) as indexes,
            set_config('gin_pending_list_limit', '4MB', true) as pending"
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(tx)
}

/// After the last of them, as many as `written`.
pub(crate) async fn finish(pool: &Pool, written: u64) {
    // Postgres does it by and by if this fails.
    if let Err(error) = put_in_order(pool, written).await {
        tracing::debug!(%error, "products were not put in order");
    }
}

async fn put_in_order(pool: &Pool, written: u64) -> Result<(), sqlx::Error> {
    // As long as it takes: nobody waits for a connection of the pool meanwhile.
    let options = pool
        .connect_options()
        .log_slow_statements(LevelFilter::Off, Duration::ZERO)
        .options([("statement_timeout", "0")]);
    let mut db = options.connect().await?;
    // A search looks through all entries that still wait.
    sqlx::query_scalar!("select gin_clean_pending_list('products_search')")
        .fetch_one(&mut db)
        .await?;
    // Which plan is good for a list is told by statistics of what it has now.
    if written >= MANY {
        sqlx::query("analyze products").execute(&mut db).await?;
    }
    db.close().await
}
