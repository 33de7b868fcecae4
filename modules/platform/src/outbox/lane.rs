//! The relay to one subscriber. Events are claimed as soon as there is room for them, however long
//! others are on their way; what became of them is written down many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::claim::{BATCH, Claim, LEASE, PutBack};
use super::{Deliver, Delivery, Outbox, Undelivered, measure, told};

/// How long a delivery may take. None begins that could outlive its lease.
const DELIVERY_MOST: Duration = Duration::from_secs(20);
/// When nothing wakes the relay, such as rows written by another replica.
const POLL: Duration = Duration::from_secs(1);
/// Meanwhile events gather that one claim can take; a delivery that takes longer is not waited for.
const GATHER: Duration = Duration::from_millis(50);
const IN_FLIGHT: u8 = 16;
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

/// A delivery that there is room for.
struct Begun<'a> {
    delivery: Delivery,
    claimed_at: Instant,
    room: SemaphorePermit<'a>,
}

struct Lane<'a> {
    outbox: &'a Outbox,
    subscriber: &'a str,
    deliver: &'a dyn Deliver,
    stop: &'a CancellationToken,
    room: Semaphore,
    /// How many in a row did not reach the subscriber. Whatever it answers ends the row.
    silent: AtomicUsize,
    /// Of claiming and of deleting: a claim that does not see a deletion which is under way would
    /// send away what that one calls.
    turn: Mutex<()>,
}

impl Outbox {
    /// Claiming, delivering and writing down share a pool, so that none may wait for another's
    /// connection: each goes on by itself.
    pub(super) async fn lane(
        self: Arc<Self>,
        subscriber: &'static str,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) {
        let lane = Lane {
            outbox: &self,
            subscriber,
            deliver: &*deliver,
            stop: &stop,
            room: Semaphore::new(IN_FLIGHT.into()),
            silent: AtomicUsize::new(0),
            turn: Mutex::new(()),
        };
        let (begin, begun) = unbounded_channel();
        let (tell, told) = unbounded_channel();
        tokio::join!(
            lane.claim_all(begin, tell.clone()),
            lane.deliver_all(begun, tell),
            lane.record(told),
        );
    }
}

impl<'a> Lane<'a> {
    async fn claim_all(
        &'a self,
        begin: UnboundedSender<Begun<'a>>,
        tell: UnboundedSender<Outcome>,
    ) {
        let mut woken = self.outbox.woken.subscribe();
        let mut trouble = 0;
        while !self.stop.is_cancelled() {
            let Ok(room) = self.room.acquire().await else {
                return;
            };
            woken.borrow_and_update();
            let away = self.is_away();
            let most = if trouble > 0 || away { PROBE } else { BATCH };
            let claimed_at = Instant::now();
            let claim = match self.claim(most).await {
                Ok(claim) => claim,
                Err(error) => {
                    tracing::warn!(%error, module = self.outbox.module, "the relay cannot use its outbox");
                    trouble += 1;
                    self.pause(trouble).await;
                    continue;
                }
            };
            let full = claim.seen == usize::from(most);
            if away {
                drop(room);
                for delivery in claim.deliveries {
                    self.ask(delivery, claimed_at, &tell).await;
                    if self.is_away() {
                        trouble += 1;
                        self.pause(trouble).await;
                    } else {
                        trouble = 0;
                    }
                }
            } else {
                trouble = 0;
                self.begin(claim, claimed_at, room, &begin).await;
            }
            if !full {
                self.idle(&mut woken).await;
            }
        }
    }

    async fn claim(&self, most: u8) -> Result<Claim, sqlx::Error> {
        let _turn = self.turn.lock().await;
        let claim = self.outbox.claim(self.subscriber, most).await?;
        if claim.deliveries.is_empty() {
            self.outbox.written_down();
        } else {
            crate::fail_point!("outbox.claimed");
        }
        Ok(claim)
    }

    /// Until all of a claim have begun.
    async fn begin(
        &'a self,
        claim: Claim,
        claimed_at: Instant,
        room: SemaphorePermit<'a>,
        begin: &UnboundedSender<Begun<'a>>,
    ) {
        let mut room = Some(room);
        for delivery in claim.deliveries {
            let place = match room.take() {
                Some(place) => Ok(place),
                None => self.room.acquire().await,
            };
            let Ok(room) = place else { return };
            let begun = Begun {
                delivery,
                claimed_at,
                room,
            };
            // Where nobody delivers any more, leases run out.
            let _ = begin.send(begun);
        }
    }

    /// Until there may be something to claim.
    async fn idle(&self, woken: &mut watch::Receiver<u64>) {
        let all = self.room.acquire_many(IN_FLIGHT.into());
        let _ = tokio::time::timeout(GATHER, all).await;
        tokio::select! {
            () = self.stop.cancelled() => {}
            _ = woken.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    async fn pause(&self, trouble: u32) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(backoff(trouble)) => {}
        }
    }

    async fn deliver_all(
        &self,
        mut begun: UnboundedReceiver<Begun<'_>>,
        tell: UnboundedSender<Outcome>,
    ) {
        let tell = &tell;
        stream::poll_fn(|cx| begun.poll_recv(cx))
            .for_each_concurrent(None, async |begun| {
                let Begun {
                    delivery,
                    claimed_at,
                    room,
                } = begun;
                if self.may_begin(claimed_at) {
                    self.ask(delivery, claimed_at, tell).await;
                } else {
                    let _ = tell.send(Outcome::NotBegun(delivery));
                }
                drop(room);
            })
            .await;
    }

    fn may_begin(&self, claimed_at: Instant) -> bool {
        // Nobody was reached, often enough to stop asking.
        let given_up = self.silent.load(Ordering::Relaxed) >= usize::from(IN_FLIGHT);
        !(self.stop.is_cancelled() || given_up || claimed_at.elapsed() > LEASE - DELIVERY_MOST)
    }

    fn is_away(&self) -> bool {
        self.silent.load(Ordering::Relaxed) > 0
    }

    async fn record(&self, mut told: UnboundedReceiver<Outcome>) {
        let mut some = Vec::new();
        while told.recv_many(&mut some, BATCH.into()).await > 0 {
            if let Err(error) = self.write_down(some.drain(..)).await {
                // The leases run out and the rows are claimed again.
                tracing::warn!(%error, module = self.outbox.module, "could not write down deliveries");
            }
            self.outbox.written_down();
        }
    }

    async fn write_down(&self, some: impl Iterator<Item = Outcome>) -> Result<(), sqlx::Error> {
        let (mut delivered, mut not_begun) = ((vec![], vec![]), (vec![], vec![]));
        for outcome in some {
            let ((ids, leases), delivery) = match outcome {
                Outcome::Delivered(delivery) => (&mut delivered, delivery),
                Outcome::NotBegun(delivery) => (&mut not_begun, delivery),
            };
            ids.push(delivery.id);
            leases.push(delivery.leased_until);
        }
        if !delivered.0.is_empty() {
            let _turn = self.turn.lock().await;
            let called = self.outbox.delivered(&delivered.0, &delivered.1).await?;
            crate::fail_point!("outbox.deleted");
            if called > 0 {
                self.outbox.wake();
            }
        }
        if !not_begun.0.is_empty() {
            self.outbox.not_begun(&not_begun.0, &not_begun.1).await?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        mut delivery: Delivery,
        claimed_at: Instant,
        tell: &UnboundedSender<Outcome>,
    ) {
        let mut told = told::deliver(self.outbox.module, &delivery);
        delivery.trace = told.context();
        let span = tracing::info_span!(
            "delivery",
            event_id = %delivery.event_id,
            trace_id = delivery.trace.map(|trace| display(trace.trace_id())),
        );
        let delivered = self.deliver.deliver(&delivery).instrument(span.clone());
        let answer = tokio::time::timeout(DELIVERY_MOST, delivered).await;
        let reason = match answer {
            Ok(Ok(())) => {
                crate::fail_point!("outbox.accepted");
                self.silent.store(0, Ordering::Relaxed);
                let lag = delivery.age + claimed_at.elapsed().as_secs_f64();
                measure::delivered(self.outbox.module, self.subscriber, lag);
                // Where nobody writes down any more, leases run out.
                let _ = tell.send(Outcome::Delivered(delivery));
                return;
            }
            Ok(Err(reason)) => reason,
            Err(_) => Undelivered::Failed("the delivery took too long".to_owned()),
        };
        match &reason {
            Undelivered::Unavailable => {
                told.fail("the subscriber is unavailable");
                self.silent.fetch_add(1, Ordering::Relaxed)
            }
            Undelivered::Failed(error) => {
                told.fail(error);
                self.silent.swap(0, Ordering::Relaxed)
            }
        };
        drop(told);
        let put_back = self.put_back(&delivery, &reason).instrument(span);
        if let Err(error) = put_back.await {
            // The lease runs out and the row is claimed again.
            tracing::warn!(%error, event_id = %delivery.event_id, "could not put an event back");
        }
        self.outbox.written_down();
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
