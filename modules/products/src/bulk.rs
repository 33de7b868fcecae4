//! Transactions that write many products.

use platform::db;
use sqlx::{PgPool, PgTransaction};

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

/// After the last of them: a search looks through all entries that still wait.
pub(crate) async fn finish(pool: &PgPool) {
    let cleaned = sqlx::query!("select gin_clean_pending_list('products_search')")
        .fetch_one(pool)
        .await;
    if let Err(error) = cleaned {
        // Postgres does it by and by.
        tracing::debug!(%error, "the search index was not put in order");
    }
}
