//! Forgetting a person whose account was deleted; see docs/decisions/0005-erasure.md.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Module;

/// Reasons that are the shop's own words and tell of nobody.
const OWN_REASONS: [&str; 2] = ["out_of_stock", "payment_window_expired"];

/// After this long, whatever a statement stored that began before an erasure is there to be seen;
/// statements are cut off much earlier.
const SETTLES_AFTER: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(20);
const BATCH: i64 = 100;

/// Leaves nothing of the person in the orders: neither notes nor free reasons and references
/// nor the keys that their client chose. From its commit on, no order of theirs is stored.
pub(crate) async fn erase(tx: &mut PgConnection, user_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into erased_users (user_id) values ($1) on conflict do nothing",
        user_id,
    )
    .execute(&mut *tx)
    .await?;
    erase_again(tx, &[user_id]).await
}

async fn erase_again(tx: &mut PgConnection, user_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    // In id order, and before their history, as whoever changes an order.
    let own_reasons = OWN_REASONS.map(str::to_owned);
    sqlx::query!(
        "with told as materialized (
             select id from orders
             where user_id = any($1) and (note is not null or idempotency_key is not null)
             order by id
             for update
         )
         update orders set note = null, idempotency_key = null, request_hash = null
         from told where orders.id = told.id",
        user_ids,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update order_history h
         set reason = case when h.reason = any($2) then h.reason end, reference = null
         from orders o
         where o.user_id = any($1) and h.order_id = o.id
           and (h.reason <> all($2) or h.reference is not null)",
        user_ids,
        &own_reasons,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether this person is to be forgotten.
pub(crate) async fn is_erased(pool: &PgPool, user_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from erased_users where user_id = $1) as "erased!""#,
        user_id,
    )
    .fetch_one(pool)
    .await
}

impl Module {
    /// Looks a second time at what erasures may have missed, until `stop`: a statement that began
    /// before one and ended after it. Any number of replicas may.
    pub async fn settle_erasures(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE.mul_f64(rand::random_range(0.5..1.5))) => {}
            }
            if let Err(error) = self.settle_erasures_once(SETTLES_AFTER).await {
                tracing::warn!(%error, "could not look again at what was erased");
            }
        }
    }

    /// Looks again at erasures that are at least this old.
    pub async fn settle_erasures_once(&self, age: Duration) -> Result<(), sqlx::Error> {
        loop {
            let mut tx = self.pool.begin().await?;
            let settled = sqlx::query_scalar!(
                "update erased_users set settled_at = now()
                 where user_id in (
                     select user_id from erased_users
                     where settled_at is null and erased_at <= now() - make_interval(secs => $1)
                     order by erased_at limit $2 for update skip locked)
                 returning user_id",
                age.as_secs_f64(),
                BATCH,
            )
            .fetch_all(&mut *tx)
            .await?;
            if settled.is_empty() {
                return Ok(());
            }
            erase_again(&mut tx, &settled).await?;
            tx.commit().await?;
        }
    }
}
