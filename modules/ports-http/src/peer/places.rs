//! How many may wait for one peer's answer.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::Fault;

/// So many may queue for each place.
const QUEUE: usize = 64;

/// A bulkhead. When all places are taken one queues, as long as the peer answers others: a rush is
/// served one after the other, and a peer that hangs holds nobody up.
///
/// Whoever waits for the client to send more takes no place: a few slow clients would keep everybody
/// out.
pub(super) struct Places {
    most: usize,
    /// How long nobody may have been answered before those without a place are refused.
    stall: Duration,
    taken: Arc<Taken>,
    queued: AtomicUsize,
    made: Instant,
    /// When the peer last answered, in milliseconds after `made`.
    answered: AtomicU64,
}

#[derive(Default)]
struct Taken {
    places: AtomicUsize,
    left: Notify,
}

impl Taken {
    fn leave(&self) {
        self.places.fetch_sub(1, Ordering::Relaxed);
        self.left.notify_one();
    }
}

/// Somebody in the queue; leaves it when this is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that is under way; it leaves when this is dropped.
pub struct Place(Turn);

/// Whose turn it is: the peer's, to read or to answer, or the client's, to send more.
#[derive(Clone)]
pub struct Turn(Arc<Shared>);

struct Shared {
    taken: Arc<Taken>,
    whose: AtomicU8,
}

const PEER: u8 = 0;
const CLIENT: u8 = 1;
const NOBODY: u8 = 2;

impl Places {
    pub(super) fn new(most: usize, stall: Duration) -> Self {
        Self {
            most,
            stall,
            taken: Arc::default(),
            queued: AtomicUsize::new(0),
            made: Instant::now(),
            answered: AtomicU64::new(0),
        }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.places.load(Ordering::Relaxed)
    }

    /// The peer has answered somebody.
    pub(super) fn answered(&self) {
        self.answered.store(self.now(), Ordering::Relaxed);
    }

    /// A place as soon as there is one, if that is in time.
    pub(super) async fn enter(&self, until: Instant) -> Result<Place, Fault> {
        // Nobody is overtaken.
        let queue = Queued(&self.queued);
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        if before == 0
            && let Some(place) = self.enter_now()
        {
            return Ok(place);
        }
        if before >= self.most.saturating_mul(QUEUE) {
            return Err(Fault::TooManyInFlight);
        }
        let came = self.now();
        let mut free = pin!(self.place());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            tokio::select! {
                place = &mut free => return Ok(place),
                () = tokio::time::sleep(self.stall.min(left)) => {}
            }
            let answered = self.answered.load(Ordering::Relaxed).max(came);
            let silent = Duration::from_millis(self.now().saturating_sub(answered));
            if silent >= self.stall || Instant::now() >= until {
                drop(queue);
                return Err(Fault::TooManyInFlight);
            }
        }
    }

    async fn place(&self) -> Place {
        loop {
            let mut left = pin!(self.taken.left.notified());
            left.as_mut().enable();
            if let Some(place) = self.enter_now() {
                return place;
            }
            left.await;
        }
    }

    fn enter_now(&self) -> Option<Place> {
        let order = Ordering::Relaxed;
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        let places = &self.taken.places;
        places.fetch_update(order, order, one_more).ok()?;
        let taken = Arc::clone(&self.taken);
        let whose = AtomicU8::new(PEER);
        Some(Place(Turn(Arc::new(Shared { taken, whose }))))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Place {
    /// For the body, which knows.
    pub fn turn(&self) -> Turn {
        self.0.clone()
    }
}

impl Turn {
    /// From now on more is to come from the client.
    pub fn of_client(&self) {
        self.pass(PEER, CLIENT);
    }

    /// From now on it is the peer that is waited for, also when there is no place left.
    pub fn of_peer(&self) {
        self.pass(CLIENT, PEER);
    }

    pub(super) fn is_clients(&self) -> bool {
        self.0.whose.load(Ordering::Relaxed) == CLIENT
    }

    fn pass(&self, from: u8, to: u8) {
        let (order, shared) = (Ordering::Relaxed, &*self.0);
        // Counted first: a place that is left at this moment is given back after it was taken.
        if to == PEER {
            shared.taken.places.fetch_add(1, order);
        }
        let passed = shared.whose.compare_exchange(from, to, order, order);
        if passed.is_ok() != (to == PEER) {
            shared.taken.leave();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let shared = &*self.0.0;
        if shared.whose.swap(NOBODY, Ordering::Relaxed) == PEER {
            shared.taken.leave();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STALL: Duration = Duration::from_millis(500);

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn waiting_for_a_client_takes_no_place() {
        let places = Places::new(1, STALL);
        let slow = places.enter_now().unwrap();
        assert!(places.enter_now().is_none());
        let turn = slow.turn();
        turn.of_client();
        turn.of_client();
        assert_eq!(places.taken(), 0);
        let quick = places.enter_now().unwrap();
        turn.of_peer();
        turn.of_peer();
        assert_eq!(places.taken(), 2);
        drop(quick);
        assert!(places.enter_now().is_none());
        drop(slow);
        turn.of_client();
        turn.of_peer();
        assert_eq!(places.taken(), 0);
        let gone = places.enter_now().unwrap();
        gone.turn().of_client();
        drop(gone);
        assert_eq!(places.taken(), 0);
    }

    #[tokio::test]
    async fn a_rush_is_served_one_after_the_other() {
        let places = Places::new(2, STALL);
        let served = AtomicUsize::new(0);
        let one = async || {
            let _place = places.enter(soon()).await.unwrap();
            assert!(places.taken() <= 2);
            tokio::task::yield_now().await;
            places.answered();
            served.fetch_add(1, Ordering::Relaxed);
        };
        futures_util::future::join_all((0..100).map(|_| one())).await;
        assert_eq!(served.into_inner(), 100);
        assert_eq!(places.taken(), 0);
        let queued = places.queued.into_inner();
        assert_eq!(queued, 0);
    }

    #[tokio::test]
    async fn a_peer_that_hangs_holds_nobody_up() {
        let places = Places::new(1, STALL);
        let _hanging = places.enter(soon()).await.unwrap();
        let refused = places.enter(soon()).await;
        assert!(matches!(refused, Err(Fault::TooManyInFlight)));
    }

    #[tokio::test]
    async fn nobody_queues_past_the_deadline() {
        let places = Places::new(1, STALL);
        let _slow = places.enter(soon()).await.unwrap();
        let refused = places.enter(Instant::now()).await;
        assert!(matches!(refused, Err(Fault::TooManyInFlight)));
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let places = Places::new(1, STALL);
        let _slow = places.enter(soon()).await.unwrap();
        places.queued.store(QUEUE, Ordering::Relaxed);
        let refused = places.enter(soon()).await;
        assert!(matches!(refused, Err(Fault::TooManyInFlight)));
        assert_eq!(places.queued.into_inner(), QUEUE);
    }
}
