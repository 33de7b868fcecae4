//! Traces for an OpenTelemetry collector: what is told of, and its way there. See docs/telemetry.md.

mod collector;
mod exporter;
mod otlp;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use platform::edge::Told;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::gateway::module_at;
use crate::settings::{Module, Settings};
use collector::Collector;
use exporter::{Exporter, Lost};
use otlp::Resource;

/// Spans that wait to be sent; those beyond are lost. They are a few hundred bytes each, and three thousand at
/// most.
const QUEUE: usize = 8192;
/// How long the end waits for the last ones.
const FLUSH: Duration = Duration::from_secs(2);

/// The way to the collector, where there is one.
pub struct Traces(Option<Running>);

struct Running {
    stop: CancellationToken,
    exporter: JoinHandle<()>,
}

/// Call it once in a process that serves. Without a `telemetry.otlp_endpoint` no span is kept.
pub fn start(settings: &Settings) -> anyhow::Result<Traces> {
    let ratio = settings.telemetry.sample_ratio;
    let Some(endpoint) = &settings.telemetry.otlp_endpoint else {
        trace::install(ratio, None);
        return Ok(Traces(None));
    };
    let collector = Collector::new(endpoint).context("telemetry.otlp_endpoint")?;
    let (told, waiting) = mpsc::channel(QUEUE);
    let lost = Arc::new(Lost::default());
    let overflow = Arc::clone(&lost);
    let installed = trace::install(
        ratio,
        Some(Box::new(move |span| {
            if told.try_send(span).is_err() {
                overflow.add(1);
            }
        })),
    );
    anyhow::ensure!(installed, "traces are told to somebody already");
    let stop = CancellationToken::new();
    let exporter = Exporter::new(collector, resource(settings), waiting, lost, stop.clone());
    Ok(Traces(Some(Running {
        stop,
        exporter: tokio::spawn(exporter.run()),
    })))
}

impl Traces {
    /// Sends what waits. A collector that is slow or away holds nothing up for long.
    pub async fn finish(self) {
        let Some(Running { stop, mut exporter }) = self.0 else {
            return;
        };
        stop.cancel();
        if tokio::time::timeout(FLUSH, &mut exporter).await.is_err() {
            exporter.abort();
            tracing::warn!("telemetry.otlp_endpoint: the last spans are lost");
        }
    }
}

/// What is the same for every span of this process.
fn resource(settings: &Settings) -> Resource {
    let modules: Vec<&str> = settings.hosted().map(Module::name).collect();
    let environment = match settings.environment {
        crate::settings::Environment::Development => "development",
        crate::settings::Environment::Production => "production",
    };
    Resource::of(&[
        ("service.name", "cleave"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &uuid::Uuid::now_v7().to_string()),
        ("deployment.environment.name", environment),
        ("cleave.modules", &modules.join(",")),
    ])
}

/// How a request at this path is told of, of clients and of peers.
pub fn told(path: &str) -> Told {
    if is_polled(path) {
        return Told::Not;
    }
    let called = path.strip_prefix("/internal/");
    let called = called.and_then(|rest| rest.split('/').next());
    let called = called.and_then(|name| Module::ALL.into_iter().find(|m| m.name() == name));
    match called.or_else(|| module_at(path)) {
        Some(module) => Told::Of(module.name()),
        None => Told::Plainly,
    }
}

/// Machines and the console ask these every few seconds.
fn is_polled(path: &str) -> bool {
    let is_below = |parent: &str| {
        let rest = path.strip_prefix(parent);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/health", "/ops", "/console"].into_iter().any(is_below)
        || path == "/metrics"
        || path == "/internal/handshake"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_of_with_their_module() {
        for (path, expected) in [
            ("/api/v1/orders/1", Told::Of("orders")),
            ("/api/v1/categories", Told::Of("products")),
            ("/internal/users/v1/account", Told::Of("users")),
            ("/internal/handshake", Told::Not),
            ("/health", Told::Not),
            ("/health/ready", Told::Not),
            ("/healthy", Told::Plainly),
            ("/metrics", Told::Not),
            ("/ops/topology", Told::Not),
            ("/console", Told::Not),
            ("/docs/", Told::Plainly),
        ] {
            assert_eq!(told(path), expected, "{path}");
        }
    }
}
