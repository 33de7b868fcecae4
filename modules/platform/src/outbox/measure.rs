use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use tokio_util::sync::CancellationToken;

use super::{Outbox, SubscriberStats, Undelivered};

/// Between two counts of what waits.
const INTERVAL: Duration = Duration::from_secs(10);

impl Outbox {
    /// Tells Prometheus what waits, until `stop`.
    pub(super) async fn measure(
        self: Arc<Self>,
        known: Vec<&'static str>,
        stop: CancellationToken,
    ) {
        let mut known: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
        loop {
            match self.stats().await {
                Ok(stats) => {
                    known.extend(stats.keys().cloned());
                    for subscriber in &known {
                        let stats = stats.get(subscriber).copied().unwrap_or_default();
                        show(self.module, subscriber, counted(stats));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, module = self.module, "could not count what waits");
                    for subscriber in &known {
                        show(self.module, subscriber, UNKNOWN);
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL.mul_f64(rand::random_range(0.5..1.5))) => {}
            }
        }
    }
}

const GAUGES: [&str; 3] = [
    "cleave_outbox_pending",
    "cleave_outbox_oldest_seconds",
    "cleave_outbox_parked",
];
/// Old numbers would pass for new ones.
const UNKNOWN: [f64; 3] = [f64::NAN; 3];

fn counted(stats: SubscriberStats) -> [f64; 3] {
    let oldest = stats.oldest_seconds.unwrap_or_default();
    [number(stats.pending), oldest, number(stats.parked)]
}

fn show(module: &'static str, subscriber: &str, values: [f64; 3]) {
    for (metric, value) in GAUGES.into_iter().zip(values) {
        gauge!(metric, "module" => module, "subscriber" => subscriber.to_owned()).set(value);
    }
}

fn number(rows: i64) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// `lag` is the age of the event, in seconds.
pub(super) fn delivered(module: &'static str, subscriber: &str, lag: f64) {
    let subscriber = subscriber.to_owned();
    let labels = [("module", module.to_owned()), ("subscriber", subscriber)];
    counter!("cleave_events_delivered_total", &labels).increment(1);
    histogram!("cleave_event_lag_seconds", &labels).record(lag);
}

pub(super) fn undelivered(
    module: &'static str,
    subscriber: &str,
    reason: &Undelivered,
    parked: bool,
) {
    let word = match reason {
        Undelivered::Unavailable => "unavailable",
        Undelivered::Failed(_) => "failed",
    };
    let subscriber = subscriber.to_owned();
    counter!("cleave_events_failed_total",
        "module" => module, "subscriber" => subscriber.clone(), "reason" => word)
    .increment(1);
    if parked {
        counter!("cleave_events_parked_total", "module" => module, "subscriber" => subscriber)
            .increment(1);
    }
}
