//! Transactions that write many products.

use platform::db;
use sqlx::{PgPool, PgTransaction};

/// What changes the catalogue as a whole.
const MANY: u64 = 10_000;

/// Whoever writes in it computes the products' [`crate::words`] and teaches them.
pub(crate) async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    // A chunk may take longer than a request's statement. New entries of the search index wait in
    // a list until they are put in their places together, which is cheaper the longer it is. What is
    // planned while a table is empty is used when it is not any more.
    sqlx::query!(
        "select set_config('statement_timeout', '60s', true) as patience,
            set_config('cleave.words_learnt', 'on', true) as learnt,
            set_config('enable_seqscan', 'off', true) as indexes,
            set_config('gin_pending_list_limit', '4MB', true) as pending"
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(tx)
}

/// After the last of them, as many as `written`: a search looks through all entries that still wait.
pub(crate) async fn finish(pool: &PgPool, written: u64) {
    let mut statements = vec!["select gin_clean_pending_list('products_search')"];
    // Which plan is good for a list is told by statistics of what it has now.
    if written >= MANY {
        statements.push("analyze products");
    }
    for statement in statements {
        if let Err(error) = sqlx::query(statement).execute(pool).await {
            // Postgres does it by and by.
            tracing::debug!(%error, statement, "products were not put in order");
        }
    }
}
