//! The relay of a module's outbox.
//!
//! Events are delivered at least once, in order for each aggregate and subscriber, by any number
//! of replicas at the same time: a row is claimed with a lease, delivered outside of any
//! transaction, and deleted when the subscriber has accepted it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An event on its way to one subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: i64,
    pub event_id: Uuid,
    pub subscriber: String,
    pub aggregate_id: Uuid,
    pub event: Value,
    /// Failed attempts so far.
    pub attempts: i32,
}

/// Why an event stays in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The subscriber could not be asked. It will be, however long it is away.
    Unavailable,
    /// It was asked and failed; too many such answers park the event.
    Failed(String),
}

/// Brings an event to its subscriber, whose refusals it knows how to answer.
#[async_trait]
pub trait Deliver: Send + Sync {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered>;
}

/// The outbox of one module's database.
pub struct Outbox {
    pool: PgPool,
    max_attempts: i32,
    wake: Notify,
    passes: watch::Sender<u64>,
}

/// How long a claimed row is nobody else's.
const LEASE: Duration = Duration::from_secs(30);
/// How long a delivery may take. None begins that could outlive its lease.
const DELIVERY_MOST: Duration = Duration::from_secs(20);
/// When nothing wakes the relay, such as rows written by another replica.
const POLL: Duration = Duration::from_secs(1);
const BATCH: u8 = 128;
const IN_FLIGHT: usize = 16;
/// Between two looks at events that a pass did not settle; grows with each.
const SETTLE_PAUSE: Duration = Duration::from_millis(10);
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MOST: Duration = Duration::from_secs(30);

/// What became of a claimed row; by its id where it is still to be written down.
enum Outcome {
    Delivered(i64),
    PutBack,
    /// The relay stops, or the lease is too short for another delivery.
    NotBegun(i64),
}

impl Outbox {
    /// `max_attempts` failed deliveries park an event.
    pub fn new(pool: PgPool, max_attempts: i32) -> Self {
        Self {
            pool,
            max_attempts,
            wake: Notify::new(),
            passes: watch::Sender::new(0),
        }
    }

    /// Call it after a commit that wrote events; polling finds them anyway.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until the events of an aggregate are delivered, at most `patience`. For callers who
    /// would like to see their effect, such as stock that is given back.
    pub async fn settle(&self, aggregate_id: Uuid, patience: Duration) -> Result<(), sqlx::Error> {
        let mut passes = self.passes.subscribe();
        let settled = async {
            let mut pause = Duration::ZERO;
            loop {
                passes.borrow_and_update();
                if !self.pending(aggregate_id).await? {
                    return Ok(());
                }
                // Another replica has it, or it waits to be tried again.
                tokio::time::sleep(pause).await;
                pause += SETTLE_PAUSE;
                self.wake();
                if passes.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(patience, settled)
            .await
            .unwrap_or(Ok(()))
    }

    async fn pending(&self, aggregate_id: Uuid) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select exists (
                 select from outbox where aggregate_id = $1 and parked_at is null
               ) as "pending!""#,
            aggregate_id,
        )
        .fetch_one(&self.pool)
        .await
    }

    /// Relays until `stop`; deliveries under way are finished first.
    pub async fn relay(self: Arc<Self>, deliver: Arc<dyn Deliver>, stop: CancellationToken) {
        let mut trouble = 0;
        while !stop.is_cancelled() {
            let pause = match self.pass(&*deliver, &stop).await {
                Ok(claimed) => {
                    trouble = 0;
                    if claimed > 0 {
                        continue;
                    }
                    POLL
                }
                Err(error) => {
                    tracing::warn!(%error, "the relay cannot use its outbox");
                    trouble += 1;
                    backoff(trouble)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified(), if trouble == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Claims and delivers one batch; tells how many rows were claimed.
    async fn pass(
        &self,
        deliver: &dyn Deliver,
        stop: &CancellationToken,
    ) -> Result<usize, sqlx::Error> {
        let claimed_at = Instant::now();
        let batch = self.claim().await?;
        let claimed = batch.len();
        if claimed > 0 {
            crate::fail_point!("outbox.claimed");
        }
        let recorded = futures_util::stream::iter(batch)
            .map(|delivery| async move {
                if stop.is_cancelled() || claimed_at.elapsed() > LEASE - DELIVERY_MOST {
                    return Outcome::NotBegun(delivery.id);
                }
                self.deliver_one(deliver, delivery).await
            })
            .buffer_unordered(IN_FLIGHT)
            // What is delivered does not wait for what is slow.
            .ready_chunks(IN_FLIGHT)
            .map(|outcomes| self.record(outcomes))
            // As many as there may be: a delivery that is not polled may hold the connection that
            // this waits for.
            .buffer_unordered(BATCH.into());
        let mut recorded = std::pin::pin!(recorded);
        while let Some(result) = recorded.next().await {
            result?;
            self.passes.send_modify(|passes| *passes += 1);
        }
        if claimed == 0 {
            self.passes.send_modify(|passes| *passes += 1);
        }
        Ok(claimed)
    }

    async fn record(&self, outcomes: Vec<Outcome>) -> Result<(), sqlx::Error> {
        let (mut delivered, mut not_begun) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Delivered(id) => delivered.push(id),
                Outcome::NotBegun(id) => not_begun.push(id),
                Outcome::PutBack => {}
            }
        }
        if !delivered.is_empty() {
            sqlx::query!("delete from outbox where id = any($1)", &delivered)
                .execute(&self.pool)
                .await?;
            crate::fail_point!("outbox.deleted");
        }
        if !not_begun.is_empty() {
            let free = sqlx::query!(
                "update outbox set due_at = now() where id = any($1)",
                &not_begun,
            );
            free.execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Only the oldest event of an aggregate and subscriber is ever claimed, parked or leased ones
    /// included, which keeps them in order.
    async fn claim(&self) -> Result<Vec<Delivery>, sqlx::Error> {
        sqlx::query_as!(
            Delivery,
            r#"with due as materialized (
                 select o.id from outbox o
                 where o.parked_at is null and o.due_at <= now()
                   and not exists (
                     select from outbox earlier
                     where earlier.subscriber = o.subscriber
                       and earlier.aggregate_id = o.aggregate_id
                       and earlier.id < o.id
                   )
                 order by o.due_at, o.id
                 limit $1
                 for update skip locked
               )
               update outbox set due_at = now() + make_interval(secs => $2)
               where id in (select id from due)
               returning id, event_id, subscriber, aggregate_id, event, attempts"#,
            i64::from(BATCH),
            LEASE.as_secs_f64(),
        )
        .fetch_all(&self.pool)
        .await
    }

    async fn deliver_one(&self, deliver: &dyn Deliver, delivery: Delivery) -> Outcome {
        let answer = tokio::time::timeout(DELIVERY_MOST, deliver.deliver(&delivery)).await;
        let reason = match answer {
            Ok(Ok(())) => {
                crate::fail_point!("outbox.accepted");
                return Outcome::Delivered(delivery.id);
            }
            Ok(Err(reason)) => reason,
            Err(_) => Undelivered::Failed("the delivery took too long".to_owned()),
        };
        if let Err(error) = self.put_back(&delivery, &reason).await {
            // The lease runs out and the row is claimed again.
            tracing::warn!(%error, event_id = %delivery.event_id, "could not put an event back");
        }
        Outcome::PutBack
    }

    /// The pause grows with the age of the event, so that it backs off whatever the reason.
    async fn put_back(&self, delivery: &Delivery, reason: &Undelivered) -> Result<(), sqlx::Error> {
        let (attempts, error) = match reason {
            Undelivered::Unavailable => (delivery.attempts, "the subscriber is unavailable"),
            Undelivered::Failed(error) => (delivery.attempts + 1, error.as_str()),
        };
        let failed = matches!(reason, Undelivered::Failed(_));
        let parked = failed && attempts >= self.max_attempts;
        if parked {
            tracing::error!(
                event_id = %delivery.event_id, subscriber = %delivery.subscriber, attempts, error,
                "an event is parked; it waits for an operator to replay it"
            );
        } else {
            tracing::warn!(
                event_id = %delivery.event_id, subscriber = %delivery.subscriber, attempts, error,
                "an event was not delivered and will be tried again"
            );
        }
        sqlx::query!(
            r#"update outbox
               set attempts = $2, last_error = $3,
                   due_at = now() + make_interval(secs => $6 * least($5,
                     greatest($4, extract(epoch from now() - created_at)::float8 / 2))),
                   parked_at = case when $7 then now() end
               where id = $1"#,
            delivery.id,
            attempts,
            error,
            BACKOFF_FIRST.as_secs_f64(),
            BACKOFF_MOST.as_secs_f64(),
            rand::random_range(0.5..1.0),
            parked,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Exponential with a ceiling, and half of it jitter, so that replicas do not come back together.
fn backoff(attempt: u32) -> Duration {
    let doubled = BACKOFF_FIRST * 2_u32.pow(attempt.saturating_sub(1).min(16));
    doubled
        .min(BACKOFF_MOST)
        .mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_ceiling() {
        assert!(backoff(1) <= BACKOFF_FIRST);
        for attempt in 0..100 {
            assert!(backoff(attempt) <= BACKOFF_MOST);
        }
        assert!(backoff(50) >= BACKOFF_MOST / 2);
    }
}
