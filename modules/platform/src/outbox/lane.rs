//! The relay to one subscriber: claim, deliver, write down, again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::claim::{BATCH, LEASE, PutBack};
use super::{Deliver, Delivery, Outbox, Undelivered, measure};

/// How long a delivery may take. None begins that could outlive its lease.
const DELIVERY_MOST: Duration = Duration::from_secs(20);
/// When nothing wakes the relay, such as rows written by another replica.
const POLL: Duration = Duration::from_secs(1);
const IN_FLIGHT: usize = 16;
/// While a subscriber is away, it is asked with one event now and then.
const PROBE: u8 = 1;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// What became of a claimed row and is still to be written down.
enum Outcome {
    Delivered(Delivery),
    /// The relay stops, the lease is too short for another delivery, or the subscriber is away.
    NotBegun(Delivery),
}

/// One batch on its way.
struct Pass<'a> {
    outbox: &'a Outbox,
    deliver: &'a dyn Deliver,
    stop: &'a CancellationToken,
    claimed_at: Instant,
    /// By the subscriber, whatever it said.
    answered: AtomicUsize,
    unavailable: AtomicUsize,
}

enum Next {
    /// The subscriber is there.
    Answered,
    /// It was not asked, and there may be more.
    Again,
    Idle,
    /// The subscriber is away.
    Away,
}

impl Outbox {
    pub(super) async fn lane(
        &self,
        subscriber: &str,
        deliver: &dyn Deliver,
        stop: &CancellationToken,
    ) {
        let mut woken = self.woken.subscribe();
        let mut trouble = 0;
        while !stop.is_cancelled() {
            woken.borrow_and_update();
            let next = self.pass(subscriber, deliver, stop, trouble > 0).await;
            let (pause, patient) = match next {
                Ok(Next::Answered) => {
                    trouble = 0;
                    continue;
                }
                Ok(Next::Again) => continue,
                Ok(Next::Idle) => (POLL, false),
                Ok(Next::Away) => {
                    trouble += 1;
                    (backoff(trouble), true)
                }
                Err(error) => {
                    tracing::warn!(%error, module = self.module, "the relay cannot use its outbox");
                    trouble += 1;
                    (backoff(trouble), true)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = woken.changed(), if !patient => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn pass(
        &self,
        subscriber: &str,
        deliver: &dyn Deliver,
        stop: &CancellationToken,
        probe: bool,
    ) -> Result<Next, sqlx::Error> {
        let most = if probe { PROBE } else { BATCH };
        let claimed_at = Instant::now();
        let claim = self.claim(subscriber, most).await?;
        if !claim.deliveries.is_empty() {
            crate::fail_point!("outbox.claimed");
        }
        let pass = Pass {
            outbox: self,
            deliver,
            stop,
            claimed_at,
            answered: AtomicUsize::new(0),
            unavailable: AtomicUsize::new(0),
        };
        let asked = pass.run(claim.deliveries).await;
        self.passes.send_modify(|passes| *passes += 1);
        asked?;
        let full = claim.seen == usize::from(most);
        let (answered, unavailable) = (pass.answered.into_inner(), pass.unavailable.into_inner());
        Ok(match (answered, unavailable) {
            (1.., _) => Next::Answered,
            (0, 1..) => Next::Away,
            (0, 0) if full => Next::Again,
            (0, 0) => Next::Idle,
        })
    }
}

impl Pass<'_> {
    /// Deliveries go on while the outcomes of others are written down, many at a time. The two
    /// share a pool, so that neither may wait for the other.
    async fn run(&self, batch: Vec<Delivery>) -> Result<(), sqlx::Error> {
        let (told, outcomes) = unbounded_channel();
        let deliveries = async {
            let told = told;
            let mut under_way = std::pin::pin!(
                futures_util::stream::iter(batch)
                    .map(|delivery| self.deliver_one(delivery))
                    .buffer_unordered(IN_FLIGHT)
            );
            while let Some(outcome) = under_way.next().await {
                // Where nobody writes down any more, leases run out.
                if let Some(outcome) = outcome {
                    let _ = told.send(outcome);
                }
            }
        };
        let ((), recorded) = tokio::join!(deliveries, self.record(outcomes));
        recorded
    }

    async fn record(&self, mut outcomes: UnboundedReceiver<Outcome>) -> Result<(), sqlx::Error> {
        let mut some = Vec::new();
        while outcomes.recv_many(&mut some, BATCH.into()).await > 0 {
            let (mut delivered, mut not_begun) = ((vec![], vec![]), (vec![], vec![]));
            for outcome in some.drain(..) {
                let ((ids, leases), delivery) = match outcome {
                    Outcome::Delivered(delivery) => (&mut delivered, delivery),
                    Outcome::NotBegun(delivery) => (&mut not_begun, delivery),
                };
                ids.push(delivery.id);
                leases.push(delivery.leased_until);
            }
            if !delivered.0.is_empty() {
                self.outbox.delivered(&delivered.0, &delivered.1).await?;
                crate::fail_point!("outbox.deleted");
            }
            if !not_begun.0.is_empty() {
                self.outbox.not_begun(&not_begun.0, &not_begun.1).await?;
            }
            self.outbox.passes.send_modify(|passes| *passes += 1);
        }
        Ok(())
    }

    /// Nobody was reached, often enough to stop asking.
    fn given_up(&self) -> bool {
        self.answered.load(Ordering::Relaxed) == 0
            && self.unavailable.load(Ordering::Relaxed) >= IN_FLIGHT
    }

    async fn deliver_one(&self, delivery: Delivery) -> Option<Outcome> {
        if self.stop.is_cancelled()
            || self.claimed_at.elapsed() > LEASE - DELIVERY_MOST
            || self.given_up()
        {
            return Some(Outcome::NotBegun(delivery));
        }
        let answer = tokio::time::timeout(DELIVERY_MOST, self.deliver.deliver(&delivery)).await;
        let module = self.outbox.module;
        let reason = match answer {
            Ok(Ok(())) => {
                crate::fail_point!("outbox.accepted");
                self.answered.fetch_add(1, Ordering::Relaxed);
                let lag = delivery.age + self.claimed_at.elapsed().as_secs_f64();
                measure::delivered(module, &delivery.subscriber, lag);
                return Some(Outcome::Delivered(delivery));
            }
            Ok(Err(reason)) => reason,
            Err(_) => Undelivered::Failed("the delivery took too long".to_owned()),
        };
        let counted = match reason {
            Undelivered::Unavailable => &self.unavailable,
            Undelivered::Failed(_) => &self.answered,
        };
        counted.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.put_back(&delivery, &reason).await {
            // The lease runs out and the row is claimed again.
            tracing::warn!(%error, event_id = %delivery.event_id, "could not put an event back");
        }
        None
    }

    async fn put_back(&self, delivery: &Delivery, reason: &Undelivered) -> Result<(), sqlx::Error> {
        let (attempts, error) = match reason {
            Undelivered::Unavailable => (delivery.attempts, "the subscriber is unavailable"),
            Undelivered::Failed(error) => (delivery.attempts + 1, error.as_str()),
        };
        let failed = matches!(reason, Undelivered::Failed(_));
        let park = failed && attempts >= self.outbox.max_attempts;
        let Delivery {
            event_id,
            subscriber,
            ..
        } = delivery;
        measure::undelivered(self.outbox.module, subscriber, reason, park);
        if park {
            tracing::error!(
                %event_id, subscriber, attempts, error,
                "an event is parked; it waits for an operator to replay it"
            );
        } else {
            tracing::warn!(
                %event_id, subscriber, attempts, error,
                "an event was not delivered and will be tried again"
            );
        }
        let failed = PutBack {
            delivery,
            attempts,
            error,
            park,
        };
        self.outbox.put_back(failed).await
    }
}

/// Exponential with a ceiling, and half of it jitter, so that replicas do not come back together.
fn backoff(attempt: u32) -> Duration {
    let doubled = PAUSE_FIRST * 2_u32.pow(attempt.saturating_sub(1).min(16));
    doubled
        .min(PAUSE_MOST)
        .mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_ceiling() {
        assert!(backoff(1) <= PAUSE_FIRST);
        for attempt in 0..100 {
            assert!(backoff(attempt) <= PAUSE_MOST);
        }
        assert!(backoff(50) >= PAUSE_MOST / 2);
    }
}
