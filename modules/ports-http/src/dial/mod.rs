//! Who answers for a module: turned by an operator, followed by every call and every request.

mod latency;
mod shadow;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

pub use latency::Latency;
pub use shadow::{Difference, ShadowReport};

use crate::Peer;
use latency::Latencies;
use shadow::Shadow;

/// How far a module has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Answered here.
    Local,
    /// Answered here; some reads are asked of the peer too, and the answers compared.
    Shadow,
    /// Some calls are answered by the peer.
    Canary,
    /// Answered by the peer.
    Remote,
}

impl Step {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Remote => "remote",
        }
    }
}

/// Where a dial stands.
#[derive(Clone)]
pub struct Position {
    pub step: Step,
    /// Of the calls; 0 for local, 100 for remote.
    pub percent: u8,
    pub peer: Option<Arc<Peer>>,
}

impl Position {
    pub fn local(peer: Option<Arc<Peer>>) -> Self {
        Self {
            step: Step::Local,
            percent: 0,
            peer,
        }
    }

    pub fn remote(peer: Arc<Peer>) -> Self {
        Self {
            step: Step::Remote,
            percent: 100,
            peer: Some(peer),
        }
    }
}

/// Which way one call goes.
pub enum Route {
    Local,
    /// Local, and the peer is asked the same.
    Shadowed(Arc<Peer>),
    /// To the peer; back here when it gives no answer, unless it may have done what is not to be
    /// done twice.
    Canary(Arc<Peer>),
    Remote(Arc<Peer>),
    /// The module is not here, and nobody is named who has it.
    Nowhere,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Local,
    Remote,
}

impl Side {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call of the port, by another module.
    Call,
    /// A request of a client, to the module's routes.
    Request,
}

/// What answers took, over the last ones of each kind and side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub calls: Sides<Latency>,
    pub requests: Sides<Latency>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sides<T> {
    pub local: T,
    pub remote: T,
}

impl<T> Sides<T> {
    fn of(&self, side: Side) -> &T {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }
}

impl Sides<Latencies> {
    fn summary(&self) -> Sides<Latency> {
        Sides {
            local: self.local.summary(),
            remote: self.remote.summary(),
        }
    }
}

/// One module's dial. A turn is seen by the calls that begin after it; those under way finish where
/// they began.
pub struct Dial {
    module: &'static str,
    hosted: bool,
    position: ArcSwap<Position>,
    calls: AtomicU64,
    shadow: Shadow,
    on_calls: Sides<Latencies>,
    on_requests: Sides<Latencies>,
}

impl Dial {
    /// `hosted`: whether the module itself is here.
    pub fn new(module: &'static str, hosted: bool, position: Position) -> Self {
        Self {
            module,
            hosted,
            position: ArcSwap::from_pointee(position),
            calls: AtomicU64::new(0),
            shadow: Shadow::new(module),
            on_calls: Sides::default(),
            on_requests: Sides::default(),
        }
    }

    pub fn module(&self) -> &'static str {
        self.module
    }

    pub fn hosted(&self) -> bool {
        self.hosted
    }

    pub fn position(&self) -> Arc<Position> {
        self.position.load_full()
    }

    /// Counts and differences begin anew with each shadowing.
    pub fn turn(&self, position: Position) {
        if position.step == Step::Shadow {
            self.shadow.reset();
        }
        self.position.store(Arc::new(position));
    }

    /// `safe`: a read, which may be asked twice.
    pub fn route(&self, safe: bool) -> Route {
        let position = self.position.load();
        let Some(peer) = &position.peer else {
            return if self.hosted {
                Route::Local
            } else {
                Route::Nowhere
            };
        };
        let peer = || Arc::clone(peer);
        match position.step {
            _ if !self.hosted => Route::Remote(peer()),
            Step::Remote => Route::Remote(peer()),
            Step::Canary if self.chosen(position.percent) => Route::Canary(peer()),
            Step::Shadow if safe && self.chosen(position.percent) => Route::Shadowed(peer()),
            _ => Route::Local,
        }
    }

    /// Of any hundred calls in a row, `percent`. They are spread by a stride that shares no factor
    /// with a hundred, so that traffic with a rhythm, a read after each write say, does not send all
    /// of one kind to one side.
    fn chosen(&self, percent: u8) -> bool {
        const STRIDE: u64 = 71;
        let call = self.calls.fetch_add(1, Ordering::Relaxed) % 100;
        call * STRIDE % 100 < u64::from(percent)
    }

    pub fn shadow(&self) -> &Shadow {
        &self.shadow
    }

    /// One answer more.
    pub fn measure(&self, kind: Kind, side: Side, took: Duration) {
        let sides = match kind {
            Kind::Call => &self.on_calls,
            Kind::Request => &self.on_requests,
        };
        sides.of(side).record(took);
    }

    pub fn measured(&self) -> Measured {
        Measured {
            calls: self.on_calls.summary(),
            requests: self.on_requests.summary(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_are_spread_evenly() {
        for percent in [0, 1, 7, 50, 99, 100] {
            let dial = Dial::new("users", true, Position::local(None));
            let chosen = (0..1000).filter(|_| dial.chosen(percent)).count();
            assert_eq!(chosen, 10 * usize::from(percent));
        }
        let dial = Dial::new("users", true, Position::local(None));
        let first_half = (0..50).filter(|_| dial.chosen(50)).count();
        assert_eq!(first_half, 25);
        let dial = Dial::new("users", true, Position::local(None));
        let every_other = (0..100).filter(|call| dial.chosen(50) && call % 2 == 0);
        assert_eq!(every_other.count(), 25);
    }

    #[test]
    fn a_module_that_is_nowhere_is_asked_nowhere() {
        let dial = Dial::new("users", false, Position::local(None));
        assert!(matches!(dial.route(true), Route::Nowhere));
    }
}
