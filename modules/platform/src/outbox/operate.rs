//! What operators see of an outbox, and what they do with parked events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Outbox;
use crate::{Limit, Page};

/// Rows replayed in one statement.
const CHUNK: i64 = 5_000;

/// What waits for one subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SubscriberStats {
    /// Events that are still to be delivered, those that wait behind a parked one included.
    pub pending: i64,
    /// The age of the oldest of them.
    pub oldest_seconds: Option<f64>,
    pub parked: i64,
}

/// An event that could not be delivered, as it stands in the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parked {
    pub id: i64,
    pub event_id: Uuid,
    /// The event's, such as `order.placed.v1`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub subscriber: String,
    pub aggregate_id: Uuid,
    pub attempts: i32,
    /// `None` once it is replayed.
    #[serde(with = "crate::rfc3339::option")]
    pub parked_at: Option<OffsetDateTime>,
    pub last_error: Option<String>,
    pub event: Value,
}

impl Outbox {
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// What waits, by subscriber; those for whom nothing does are not in it.
    pub async fn stats(&self) -> Result<BTreeMap<String, SubscriberStats>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"select subscriber, count(*) filter (where parked_at is null) as "pending!",
                 count(*) filter (where parked_at is not null) as "parked!",
                 extract(epoch from now() - min(created_at) filter (where parked_at is null))::float8
                   as oldest
               from outbox group by subscriber"#,
        )
        .fetch_all(&self.pool)
        .await?;
        let stats = rows.into_iter().map(|row| {
            let stats = SubscriberStats {
                pending: row.pending,
                oldest_seconds: row.oldest,
                parked: row.parked,
            };
            (row.subscriber, stats)
        });
        Ok(stats.collect())
    }

    /// Parked events, the oldest first, from behind the row `after`.
    pub async fn parked(
        &self,
        after: Option<i64>,
        limit: Limit,
    ) -> Result<Page<Parked>, sqlx::Error> {
        let rows = sqlx::query_as!(
            Parked,
            r#"select id, event_id, event->>'type' as kind, subscriber, aggregate_id, attempts,
                 parked_at, last_error, event
               from outbox where parked_at is not null and id > $1
               order by id limit $2"#,
            after.unwrap_or(i64::MIN),
            limit.rows_to_fetch(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Page::from_rows(rows, limit, |row| row.id))
    }

    /// Has a parked event delivered again, as if it had never failed. Answers it as it stands then;
    /// `None` when no such event is parked.
    pub async fn replay(&self, id: i64) -> Result<Option<Parked>, sqlx::Error> {
        let row = sqlx::query_as!(
            Parked,
            r#"update outbox set parked_at = null, attempts = 0, due_at = now()
               where id = $1 and parked_at is not null
               returning id, event_id, event->>'type' as kind, subscriber, aggregate_id, attempts,
                 parked_at, last_error, event"#,
            id,
        )
        .fetch_optional(&self.pool)
        .await?;
        self.wake();
        Ok(row)
    }

    /// Replays all that are parked, the oldest first; tells how many. What is parked meanwhile is
    /// not tried again. Replicas may do it at the same time.
    pub async fn replay_all(&self) -> Result<u64, sqlx::Error> {
        let last = sqlx::query_scalar!("select max(id) from outbox where parked_at is not null")
            .fetch_one(&self.pool)
            .await?;
        let (mut replayed, mut after) = (0, Some(i64::MIN));
        while let (Some(id), Some(last)) = (after, last) {
            let chunk = sqlx::query!(
                r#"with chunk as materialized (
                     select id from outbox
                     where parked_at is not null and id > $1 and id <= $2
                     order by id limit $3
                     for update
                   ),
                   replayed as (
                     update outbox set parked_at = null, attempts = 0, due_at = now()
                     from chunk where outbox.id = chunk.id
                     returning outbox.id
                   )
                   select count(*) as "rows!", max(id) as last from replayed"#,
                id,
                last,
                CHUNK,
            )
            .fetch_one(&self.pool)
            .await?;
            replayed += chunk.rows.unsigned_abs();
            after = chunk.last;
            self.wake();
        }
        Ok(replayed)
    }
}
