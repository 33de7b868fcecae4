use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
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

    /// Makes the attempt unless the circuit is open. A fault of the peer counts against it; one that
    /// is not, or an attempt that is dropped, counts for nothing.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        attempt: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, mut answered) = oneshot::channel();
        let (says_nothing, nothing_said) = oneshot::channel();
        let attempt = Attempt(Box::pin(async move {
            let result = attempt.await;
            let verdict = match &result {
                Ok(_) => Some(Ok(())),
                Err(fault) if fault.of_the_peer() => Some(Err(AtFault)),
                Err(_) => None,
            };
            // Whoever waits for it is there, or this future is not polled.
            let _ = answer.send(result);
            match verdict {
                Some(verdict) => verdict,
                None => {
                    let _ = says_nothing.send(());
                    std::future::pending().await
                }
            }
        }));
        tokio::select! {
            // What it says besides is in the result; without one, the attempt was not made.
            _ = self.0.clone().oneshot(attempt) => {}
            Ok(()) = nothing_said => {}
        }
        answered.try_recv().unwrap_or(Err(Fault::CircuitOpen))
    }

    /// The peer is known to answer again.
    pub async fn close(&self) {
        self.0.reset().await;
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_millis(50);

    fn circuit() -> Circuit {
        Circuit::new("test", 2, OPEN).unwrap()
    }

    async fn run(circuit: &Circuit, result: Result<(), Fault>) -> Result<(), Fault> {
        circuit.run(async { result }).await
    }

    #[tokio::test]
    async fn faults_in_a_row_open_it_and_one_answer_closes_it() {
        let circuit = circuit();
        assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        assert!(run(&circuit, Ok(())).await.is_ok());
        assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        assert_eq!(circuit.state(), "closed");
        assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        assert_eq!(circuit.state(), "open");
        let refused = run(&circuit, Ok(())).await;
        assert!(matches!(refused, Err(Fault::CircuitOpen)));
        tokio::time::sleep(OPEN).await;
        assert!(run(&circuit, Ok(())).await.is_ok());
        assert_eq!(circuit.state(), "closed");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_says_nothing_of_the_peer() {
        let circuit = circuit();
        assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        let gone = run(&circuit, Err(Fault::ClientGone)).await;
        assert!(matches!(gone, Err(Fault::ClientGone)));
        assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        assert_eq!(circuit.state(), "open");
        tokio::time::sleep(OPEN).await;
        assert!(run(&circuit, Err(Fault::ClientGone)).await.is_err());
        assert_eq!(circuit.state(), "half_open");
        assert!(run(&circuit, Ok(())).await.is_ok());
        assert_eq!(circuit.state(), "closed");
    }

    #[tokio::test]
    async fn a_probe_that_is_dropped_makes_room_for_the_next() {
        let circuit = circuit();
        for _ in 0..2 {
            assert!(run(&circuit, Err(Fault::TimedOut)).await.is_err());
        }
        tokio::time::sleep(OPEN).await;
        let probe = circuit.run(std::future::pending::<Result<(), Fault>>());
        assert!(tokio::time::timeout(OPEN, probe).await.is_err());
        assert!(run(&circuit, Ok(())).await.is_ok());
        circuit.close().await;
        assert_eq!(circuit.state(), "closed");
    }
}
