//! Metrics of the process, for Prometheus.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Seconds; from an event that is delivered at once to one whose subscriber was away for a day.
const LAG: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 21600.0, 86400.0,
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Seconds; from a call within the process to one that runs into its deadline.
const SECONDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

/// Between two times.
const UPKEEP: Duration = Duration::from_secs(5);

/// From the first call on, what is measured is kept.
pub fn start() {
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| {
                let lag = Matcher::Full("cleave_event_lag_seconds".to_owned());
                builder.set_buckets_for_metric(lag, &LAG)
            });
        let installed = recorder
            .map_err(|error| error.to_string())
            .and_then(|builder| {
                let recorder = builder.build_recorder();
                let handle = recorder.handle();
                let installed = metrics::set_global_recorder(recorder);
                installed
                    .map(|()| handle)
                    .map_err(|error| error.to_string())
            });
        installed
            .inspect_err(|error| tracing::error!(error, "nothing is measured"))
            .ok()
    });
}

/// Folds what was measured into the histograms, until `stop`: where nobody scrapes, it would pile
/// up.
pub async fn upkeep(stop: CancellationToken) {
    let Some(Some(recorder)) = RECORDER.get() else {
        return;
    };
    let mut due = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        recorder.run_upkeep();
    }
}

/// The text format of Prometheus.
pub fn render() -> String {
    match RECORDER.get() {
        Some(Some(recorder)) => recorder.render(),
        _ => String::new(),
    }
}
