//! How many requests may wait for one peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// A bulkhead for requests that are sent on. Whoever waits for the client to send more takes no
/// place: a few slow clients would keep everybody out.
pub(super) struct Places {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// A request that is under way; it leaves when this is dropped.
pub struct Place(Turn);

/// Whose turn it is: the peer's, to read or to answer, or the client's, to send more.
#[derive(Clone)]
pub struct Turn(Arc<Shared>);

struct Shared {
    taken: Arc<AtomicUsize>,
    whose: AtomicU8,
}

const PEER: u8 = 0;
const CLIENT: u8 = 1;
const NOBODY: u8 = 2;

impl Places {
    pub(super) fn new(most: usize) -> Self {
        let taken = Arc::default();
        Self { most, taken }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// `None` when all are taken.
    pub(super) fn enter(&self) -> Option<Place> {
        let order = Ordering::Relaxed;
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(order, order, one_more).ok()?;
        let taken = Arc::clone(&self.taken);
        let whose = AtomicU8::new(PEER);
        Some(Place(Turn(Arc::new(Shared { taken, whose }))))
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
            shared.taken.fetch_add(1, order);
        }
        let passed = shared.whose.compare_exchange(from, to, order, order);
        if passed.is_ok() != (to == PEER) {
            shared.taken.fetch_sub(1, order);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let shared = &*self.0.0;
        if shared.whose.swap(NOBODY, Ordering::Relaxed) == PEER {
            shared.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_client_takes_no_place() {
        let places = Places::new(1);
        let slow = places.enter().unwrap();
        assert!(places.enter().is_none());
        let turn = slow.turn();
        turn.of_client();
        turn.of_client();
        assert_eq!(places.taken(), 0);
        let quick = places.enter().unwrap();
        turn.of_peer();
        turn.of_peer();
        assert_eq!(places.taken(), 2);
        drop(quick);
        assert!(places.enter().is_none());
        drop(slow);
        turn.of_client();
        turn.of_peer();
        assert_eq!(places.taken(), 0);
        let gone = places.enter().unwrap();
        gone.turn().of_client();
        drop(gone);
        assert_eq!(places.taken(), 0);
    }
}
