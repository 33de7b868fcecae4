//! Forgetting a person whose account was deleted; see docs/decisions/0005-erasure.md.

use std::sync::Arc;
use std::time::Duration;

use platform::{Pool, db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Module;
use crate::order::OWN_REASONS;
use crate::store::cart;

/// With the longest that a statement may take, the time after which whatever one stored that began
/// before an erasure is there to be seen. Where nothing cuts statements off, one that takes longer
/// than this escapes.
const SETTLES_AFTER: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(20);
const BATCH: i64 = 100;

/// Leaves nothing of the person in the orders: neither addresses and notes nor free reasons and
/// references nor the keys that their client chose; and no cart. From its beginning on, no order of
/// theirs is stored. May be cut off anywhere and begun again.
pub(crate) async fn erase(pool: &Pool, user_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into erased_users (user_id) values ($1) on conflict do nothing",
        user_id,
    )
    .execute(pool)
    .await?;
    erase_what_is_there(pool, user_id).await
}

async fn erase_what_is_there(pool: &Pool, user_id: Uuid) -> Result<(), sqlx::Error> {
    cart::clear(pool, user_id).await?;
    erase_orders(pool, user_id).await
}

/// Some at a time: all of a busy customer's would take longer than a statement may.
async fn erase_orders(pool: &Pool, user_id: Uuid) -> Result<(), sqlx::Error> {
    let mut after = Uuid::nil();
    while let Some(last) = erase_some(pool, user_id, after).await? {
        after = last;
    }
    Ok(())
}

/// Erases in the next orders behind this one; answers the last of them.
async fn erase_some(pool: &Pool, user_id: Uuid, after: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    // In id order, and before their history, as whoever changes an order.
    let orders = sqlx::query_scalar!(
        "select id from orders where user_id = $1 and id > $2
         order by id limit 1000
         for no key update",
        user_id,
        after,
    )
    .fetch_all(&mut *tx)
    .await?;
    let Some(last) = orders.last().copied() else {
        return Ok(None);
    };
    sqlx::query!(
        "update orders set note = null, idempotency_key = null, request_hash = null,
                shipping_address = null
         where id = any($1)
           and (note is not null or idempotency_key is not null or shipping_address is not null)",
        &orders,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update order_history
         set reason = case when reason = any($2) then reason end, reference = null
         where order_id = any($1) and (reason <> all($2) or reference is not null)",
        &orders,
        &OWN_REASONS.map(str::to_owned),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(last))
}

/// Whether this person is to be forgotten.
pub(crate) async fn is_erased(pool: &Pool, user_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from erased_users where user_id = $1) as "erased!""#,
        user_id,
    )
    .fetch_one(pool)
    .await
}

/// An erasure that a database knows of.
pub struct Erasure {
    user_id: Uuid,
    erased_at: OffsetDateTime,
}

/// What must outlive a restore; nothing where the database has no such table yet.
pub async fn erasures(database: &mut PgConnection) -> Result<Vec<Erasure>, sqlx::Error> {
    let known =
        sqlx::query_scalar!(r#"select to_regclass('erased_users') is not null as "known!""#)
            .fetch_one(&mut *database)
            .await?;
    if !known {
        return Ok(Vec::new());
    }
    sqlx::query_as!(Erasure, "select user_id, erased_at from erased_users")
        .fetch_all(database)
        .await
}

/// What was restored may be from before them: whoever serves erases it again.
pub async fn erase_again(
    database: &mut PgConnection,
    erasures: Vec<Erasure>,
) -> Result<(), sqlx::Error> {
    let (user_ids, times): (Vec<_>, Vec<_>) = erasures
        .into_iter()
        .map(|erasure| (erasure.user_id, erasure.erased_at))
        .unzip();
    sqlx::query!(
        "insert into erased_users (user_id, erased_at)
         select * from unnest($1::uuid[], $2::timestamptz[])
         on conflict (user_id) do nothing",
        &user_ids,
        &times,
    )
    .execute(database)
    .await?;
    Ok(())
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
            let settled = async {
                let age = SETTLES_AFTER + statement_timeout(&self.pool).await?;
                self.settle_erasures_once(age).await
            };
            if let Err(error) = settled.await {
                tracing::warn!(%error, "could not look again at what was erased");
            }
        }
    }

    /// Looks again at erasures that are at least this old. One that fails is left for another time.
    pub async fn settle_erasures_once(&self, age: Duration) -> Result<(), sqlx::Error> {
        let mut failed = Vec::new();
        loop {
            let users = sqlx::query_scalar!(
                "select user_id from erased_users
                 where settled_at is null and erased_at <= now() - make_interval(secs => $1)
                   and user_id <> all($2)
                 order by erased_at limit $3",
                age.as_secs_f64(),
                &failed,
                BATCH,
            )
            .fetch_all(&self.pool)
            .await?;
            if users.is_empty() {
                return Ok(());
            }
            for user_id in users {
                if let Err(error) = self.settle(user_id).await {
                    tracing::warn!(%error, %user_id, "could not look again at what was erased");
                    failed.push(user_id);
                }
            }
        }
    }

    async fn settle(&self, user_id: Uuid) -> Result<(), sqlx::Error> {
        erase_what_is_there(&self.pool, user_id).await?;
        sqlx::query!(
            "update erased_users set settled_at = now() where user_id = $1",
            user_id,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Zero where there is none.
async fn statement_timeout(pool: &Pool) -> Result<Duration, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        r#"select setting::float8 / 1000 as "seconds!" from pg_settings
           where name = 'statement_timeout'"#,
    )
    .fetch_one(pool)
    .await?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
