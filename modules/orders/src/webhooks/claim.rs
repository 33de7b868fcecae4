//! Taking deliveries that are due.

use std::time::Duration;

use platform::Pool;
use platform::trace::Context;
use time::OffsetDateTime;
use uuid::Uuid;

use super::secret::Secret;

/// How long a claimed delivery is nobody else's: longer than it takes.
const LEASE: Duration = Duration::from_secs(60);

/// A claim, told from any other of the same delivery by its end.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub webhook_id: Uuid,
    pub event_id: Uuid,
    pub until: OffsetDateTime,
}

pub struct Claimed {
    pub lease: Lease,
    pub order_id: Uuid,
    pub step: i32,
    pub event_type: String,
    /// Attempts made before.
    pub attempts: usize,
    pub url: String,
    pub secret: Secret,
    /// Where the event was published.
    pub trace: Option<Context>,
}

/// How much of a webhook is under way here.
#[derive(Default)]
pub struct Busy {
    pub webhook_ids: Vec<Uuid>,
    pub deliveries: Vec<i64>,
}

/// Leases what is due, of each webhook as much as brings it to `most` under way: one that is slow
/// holds up itself alone.
pub async fn claim(pool: &Pool, busy: &Busy, most: i64) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with due as materialized (
             select webhooks.url, webhooks.secret, delivery.*
             from webhooks
             left join unnest($1::uuid[], $2::bigint[]) as busy (id, deliveries) using (id)
             cross join lateral (
               select webhook_id, event_id from webhook_deliveries
               where webhook_id = webhooks.id and due_at <= now()
               order by due_at
               limit greatest(0, $3 - coalesce(busy.deliveries, 0))
               for update skip locked
             ) delivery
             where webhooks.disabled_at is null
             -- More than there may be: a limit that the planner can see keeps it to the indexes.
             limit 500
           )
           update webhook_deliveries row set due_at = now() + make_interval(secs => $4)
           from due
           where row.webhook_id = due.webhook_id and row.event_id = due.event_id
           returning row.webhook_id, row.event_id, row.due_at as "until!", row.order_id, row.step,
             row.type as event_type, jsonb_array_length(row.attempts) as "attempts!",
             row.traceparent, due.url, due.secret"#,
        &busy.webhook_ids,
        &busy.deliveries,
        most,
        LEASE.as_secs_f64(),
    )
    .fetch_all(pool)
    .await?;
    let claimed = rows.into_iter().map(|row| Claimed {
        lease: Lease {
            webhook_id: row.webhook_id,
            event_id: row.event_id,
            until: row.until,
        },
        order_id: row.order_id,
        step: row.step,
        event_type: row.event_type,
        attempts: usize::try_from(row.attempts).unwrap_or(usize::MAX),
        url: row.url,
        secret: Secret::from(row.secret),
        trace: row.traceparent.as_deref().and_then(Context::parse),
    });
    Ok(claimed.collect())
}

/// Whether there is anybody to tell.
pub async fn anybody(pool: &Pool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from webhooks where disabled_at is null) as "anybody!""#
    )
    .fetch_one(pool)
    .await
}

/// Ends leases of which nothing came; another replica may take them up at once.
pub async fn give_back(pool: &Pool, leases: &[Lease]) -> Result<(), sqlx::Error> {
    let webhook_ids: Vec<Uuid> = leases.iter().map(|lease| lease.webhook_id).collect();
    let event_ids: Vec<Uuid> = leases.iter().map(|lease| lease.event_id).collect();
    let until: Vec<OffsetDateTime> = leases.iter().map(|lease| lease.until).collect();
    sqlx::query!(
        "update webhook_deliveries row set due_at = now()
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as lease (webhook_id, event_id, until)
         where row.webhook_id = lease.webhook_id and row.event_id = lease.event_id
           and row.due_at = lease.until",
        &webhook_ids,
        &event_ids,
        &until,
    )
    .execute(pool)
    .await?;
    Ok(())
}
