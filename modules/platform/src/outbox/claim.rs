//! The statements of a lane: taking rows, and writing down what became of them.
//!
//! The rows of one subscriber and aggregate are a queue, of which the head alone is ever delivered,
//! also while it is leased, waits or is parked. A claim that meets a row behind its head sends it
//! away for half its age, a minute at most; who removes the head calls the next one. So what waits
//! behind a parked event is looked at once a minute, until that one is replayed and delivered.

use std::time::Duration;

use time::OffsetDateTime;
use trace::Context;

use super::{Delivery, Outbox};

/// Rows looked at in one claim; the statement has this number, too.
pub(super) const BATCH: u8 = 128;
/// How long a claimed row is nobody else's.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// Between two looks at a row that is not the head of its queue.
const LOOK_FIRST: f64 = 0.2;
const LOOK_MOST: f64 = 60.0;
/// Between two attempts. Like the looks it grows with the age of the event, so that it backs off
/// whatever the reason; a part of it is random, so that replicas do not come back together.
const BACKOFF_FIRST: f64 = 0.2;
const BACKOFF_MOST: f64 = 30.0;

pub(super) struct Claim {
    pub deliveries: Vec<Delivery>,
    /// Rows that were due, whether or not they could be delivered.
    pub seen: usize,
}

/// A failed delivery, to be written down.
pub(super) struct PutBack<'a> {
    pub delivery: &'a Delivery,
    pub attempts: i32,
    pub error: &'a str,
    pub park: bool,
}

impl Outbox {
    /// Leases the due heads among the rows that are due longest, `most` of which are looked at.
    pub(super) async fn claim(&self, subscriber: &str, most: u8) -> Result<Claim, sqlx::Error> {
        let rows = sqlx::query!(
            r#"with due as materialized (
                 select id, aggregate_id from outbox
                 where subscriber = $1 and parked_at is null and due_at <= now()
                 order by due_at, id
                 limit $2
                 for update skip locked
               ),
               seen as materialized (
                 select due.id, not exists (
                   select from outbox earlier
                   where earlier.subscriber = $1 and earlier.aggregate_id = due.aggregate_id
                     and earlier.id < due.id
                 ) as head
                 from due
                 -- Nothing is cut off: the planner takes a limit that it cannot see for a tenth of
                 -- the table, and would read all of it.
                 limit 128
               )
               update outbox row set due_at = now() + make_interval(secs =>
                 case when seen.head then $3 else (0.5 + random() / 2) * least($5,
                   greatest($4, extract(epoch from now() - row.created_at)::float8 / 2)) end)
               from seen where row.id = seen.id
               returning row.id, row.event_id, row.aggregate_id, row.attempts, row.due_at,
                 extract(epoch from now() - row.created_at)::float8 as "age!",
                 case when seen.head then row.event end as event, row.traceparent"#,
            subscriber,
            i64::from(most),
            LEASE.as_secs_f64(),
            LOOK_FIRST,
            LOOK_MOST,
        )
        .fetch_all(&self.pool)
        .await?;
        let seen = rows.len();
        let heads = rows.into_iter().filter_map(|row| {
            Some(Delivery {
                id: row.id,
                event_id: row.event_id,
                subscriber: subscriber.to_owned(),
                aggregate_id: row.aggregate_id,
                event: row.event?,
                trace: row.traceparent.as_deref().and_then(Context::parse),
                attempts: row.attempts,
                age: row.age,
                leased_until: row.due_at,
            })
        });
        let mut deliveries: Vec<Delivery> = heads.collect();
        deliveries.sort_unstable_by_key(|delivery| delivery.id);
        Ok(Claim { deliveries, seen })
    }

    /// Deletes what was delivered, and calls what comes behind it; tells how many it called. A row
    /// whose lease has ended is left to whoever has it now. What is due at infinity was held back
    /// by hand, and is not called.
    pub(super) async fn delivered(
        &self,
        ids: &[i64],
        leases: &[OffsetDateTime],
    ) -> Result<u64, sqlx::Error> {
        let called = sqlx::query!(
            "with gone as (
               delete from outbox row
               using unnest($1::bigint[], $2::timestamptz[]) as held (id, until)
               where row.id = held.id and row.due_at = held.until
               returning row.id, row.subscriber, row.aggregate_id
             )
             update outbox row set due_at = now()
             from gone
             cross join lateral (
               select id from outbox later
               where later.subscriber = gone.subscriber
                 and later.aggregate_id = gone.aggregate_id and later.id > gone.id
               order by id limit 1
             ) next
             where row.id = next.id and row.parked_at is null and row.due_at < 'infinity'",
            ids,
            leases,
        )
        .execute(&self.pool)
        .await?;
        Ok(called.rows_affected())
    }

    /// Ends leases under which nothing was tried.
    pub(super) async fn not_begun(
        &self,
        ids: &[i64],
        leases: &[OffsetDateTime],
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "update outbox row set due_at = now()
             from unnest($1::bigint[], $2::timestamptz[]) as held (id, until)
             where row.id = held.id and row.due_at = held.until",
            ids,
            leases,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes down a failure, unless the lease has ended.
    pub(super) async fn put_back(&self, failed: PutBack<'_>) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"update outbox
               set attempts = $3, last_error = $4,
                   due_at = now() + make_interval(secs => (0.5 + random() / 2) * least($6,
                     greatest($5, extract(epoch from now() - created_at)::float8 / 2))),
                   parked_at = case when $7 then now() end
               where id = $1 and due_at = $2"#,
            failed.delivery.id,
            failed.delivery.leased_until,
            failed.attempts,
            failed.error,
            BACKOFF_FIRST,
            BACKOFF_MOST,
            failed.park,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
