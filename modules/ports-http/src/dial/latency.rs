use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many calls a summary looks back.
const KEPT: usize = 1024;

/// The last [`KEPT`] calls of one side.
#[derive(Default)]
pub(super) struct Latencies(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    micros: Vec<u32>,
    total: u64,
}

/// What calls took; quantiles of the last 1,024, absent when there were none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// All of them, since the start.
    pub count: u64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

impl Latencies {
    pub(super) fn record(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The remainder is below KEPT.
        let place = usize::try_from(ring.total).unwrap_or_default() % KEPT;
        match ring.micros.get_mut(place) {
            Some(oldest) => *oldest = micros,
            None => ring.micros.push(micros),
        }
        ring.total += 1;
    }

    pub(super) fn summary(&self) -> Latency {
        let (mut micros, count) = {
            let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (ring.micros.clone(), ring.total)
        };
        micros.sort_unstable();
        let quantile = |percent: usize| {
            let last = micros.len().checked_sub(1)?;
            let micros = micros.get((last * percent).div_ceil(100))?;
            Some(f64::from(*micros) / 1000.0)
        };
        Latency {
            count,
            p50_ms: quantile(50),
            p99_ms: quantile(99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_back_over_the_last_calls() {
        let latencies = Latencies::default();
        assert_eq!(latencies.summary().p50_ms, None);
        for micros in 0..3000 {
            latencies.record(Duration::from_micros(micros));
        }
        let summary = latencies.summary();
        assert_eq!(summary.count, 3000);
        assert_eq!(summary.p50_ms, Some(2.488));
        assert_eq!(summary.p99_ms, Some(2.989));
    }
}
