use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::oneshot;
use tower::Service;
use tower::util::ServiceExt;
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerLayer, CircuitState, DefaultClassifier,
};

use crate::Fault;

/// Whether the peer was at fault.
type Outcome = BoxFuture<'static, Result<(), AtFault>>;

struct AtFault;

struct Attempt(Outcome);

/// The service behind the breaker: what it is asked is what is to be done.
#[derive(Clone)]
struct Run;

impl Service<Attempt> for Run {
    type Response = ();
    type Error = AtFault;
    type Future = Outcome;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AtFault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Outcome {
        attempt.0
    }
}

/// Stops asking a peer that does not answer: after so many faults in a row nobody is sent there for
/// a while, then one at a time until one comes back with an answer.
pub struct Circuit(CircuitBreaker<Run, DefaultClassifier>);

impl Circuit {
    /// `None` when `failures` is zero.
    pub(super) fn new(peer: &str, failures: usize, open: Duration) -> Option<Self> {
        let name = peer.to_owned();
        let layer = CircuitBreakerLayer::builder()
            .consecutive_failures(failures)
            .wait_duration_in_open(open)
            .permitted_calls_in_half_open(1)
            .on_state_transition(move |from, to| {
                tracing::warn!(peer = name, from = word(from), to = word(to), "circuit");
            })
            .build()
            .ok()?;
        Some(Self(layer.layer_fn(Run)))
    }

    /// Makes the attempt unless the circuit is open. A fault counts against the peer; an attempt
    /// that is dropped, or that the client broke off, counts for nothing.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        attempt: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let attempt = Attempt(Box::pin(async move {
            let result = attempt.await;
            let verdict = match &result {
                Err(fault) if fault.of_the_client() => None,
                Err(fault) if fault.of_the_peer() => Some(Err(AtFault)),
                _ => Some(Ok(())),
            };
            // Whoever waits for it is there, or this future is not polled.
            let _ = answer.send(result);
            match verdict {
                Some(verdict) => verdict,
                // To be dropped.
                None => std::future::pending().await,
            }
        }));
        let judged = self.0.clone().oneshot(attempt);
        match select(pin!(judged), answered).await {
            // What it says besides is in the result; without one, the attempt was not made.
            Either::Left((_, mut answered)) => answered.try_recv().ok(),
            Either::Right((result, _)) => result.ok(),
        }
        .unwrap_or(Err(Fault::CircuitOpen))
    }

    pub fn is_open(&self) -> bool {
        self.0.is_open()
    }

    /// `closed`, `open` or `half_open`.
    pub fn state(&self) -> &'static str {
        word(self.0.state_sync())
    }
}

fn word(state: CircuitState) -> &'static str {
    match state {
        CircuitState::Closed => "closed",
        CircuitState::Open => "open",
        CircuitState::HalfOpen => "half_open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn what_a_client_breaks_off_says_nothing_of_the_peer() {
        let Some(circuit) = Circuit::new("test", 2, OPEN) else {
            panic!("a circuit");
        };
        let broken = async || {
            let attempt = async { Err::<(), _>(Fault::Broken(String::new())) };
            circuit.run(attempt).await
        };
        let gone = async || circuit.run(async { Err::<(), _>(Fault::ClientGone) }).await;
        assert!(matches!(broken().await, Err(Fault::Broken(_))));
        for _ in 0..3 {
            assert!(matches!(gone().await, Err(Fault::ClientGone)));
        }
        assert!(!circuit.is_open(), "a client opened it");
        assert!(matches!(broken().await, Err(Fault::Broken(_))));
        assert!(circuit.is_open(), "a client made it forget");
        assert!(matches!(gone().await, Err(Fault::CircuitOpen)));

        tokio::time::sleep(OPEN * 2).await;
        for _ in 0..3 {
            assert!(matches!(gone().await, Err(Fault::ClientGone)));
            assert_eq!(circuit.state(), "half_open");
        }
        assert!(circuit.run(async { Ok(()) }).await.is_ok());
        assert_eq!(circuit.state(), "closed");
    }
}
