//! Gathers spans and sends them, beside everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics::counter;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use trace::Ended;

use super::collector::{Collector, Refused};
use super::otlp::{ExportRequest, Resource};

/// Spans of one request at most.
const BATCH: usize = 512;
/// Meanwhile they gather.
const GATHER: Duration = Duration::from_secs(1);
/// Between two looks, in which the queue does not fill.
const LOOK: Duration = Duration::from_millis(50);
/// Of the same spans. Then they are lost, so that newer ones have a chance.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; doubled before each that follows.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two warnings.
const SILENCE: Duration = Duration::from_secs(300);

/// Spans that nobody will see, since it was last told of.
#[derive(Default)]
pub struct Lost(AtomicU64);

impl Lost {
    pub fn add(&self, spans: u64) {
        counter!("cleave_spans_total", "outcome" => "lost").increment(spans);
        self.0.fetch_add(spans, Ordering::Relaxed);
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

pub struct Exporter {
    collector: Collector,
    resource: Resource,
    waiting: Receiver<Ended>,
    lost: Arc<Lost>,
    stop: CancellationToken,
    warned: Option<Instant>,
}

impl Exporter {
    pub fn new(
        collector: Collector,
        resource: Resource,
        waiting: Receiver<Ended>,
        lost: Arc<Lost>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            collector,
            resource,
            waiting,
            lost,
            stop,
            warned: None,
        }
    }

    /// Until it is stopped, and then what waits is sent.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let gathered = stop
                .run_until_cancelled(gather(&mut self.waiting, &mut batch))
                .await;
            if gathered.is_none() {
                self.waiting.close();
                let room = BATCH.saturating_sub(batch.len());
                self.waiting.recv_many(&mut batch, room).await;
            }
            if batch.is_empty() {
                return;
            }
            self.send(&mut batch).await;
        }
    }

    async fn send(&mut self, batch: &mut Vec<Ended>) {
        let spans = u64::try_from(batch.len()).unwrap_or_default();
        let request = ExportRequest::of(&self.resource, batch.drain(..));
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match self.collector.send(&request).await {
                Ok(rejected) => {
                    let taken = spans.saturating_sub(rejected);
                    counter!("cleave_spans_total", "outcome" => "exported").increment(taken);
                    if rejected > 0 {
                        self.lost.add(rejected);
                        self.warn(&"it does not want some of them");
                    }
                    return;
                }
                Err(refused) if self.is_worth_another(&refused, attempt) => {
                    self.warn(&refused);
                    self.stop
                        .run_until_cancelled(tokio::time::sleep(pause))
                        .await;
                    pause *= 2;
                }
                Err(refused) => {
                    self.lost.add(spans);
                    self.warn(&refused);
                    return;
                }
            }
        }
    }

    /// At the end there is no time for more than one.
    fn is_worth_another(&self, refused: &Refused, attempt: u32) -> bool {
        refused.is_temporary() && attempt < ATTEMPTS && !self.stop.is_cancelled()
    }

    /// Now and then, however often it happens.
    fn warn(&mut self, reason: &dyn std::fmt::Display) {
        if self.warned.is_some_and(|at| at.elapsed() < SILENCE) {
            return;
        }
        self.warned = Some(Instant::now());
        let lost = self.lost.take();
        tracing::warn!(%reason, lost, "telemetry.otlp_endpoint: the collector does not take traces");
    }
}

/// What ends while there is more to come. Behind the first span they are looked for now and then: to
/// wake somebody for each costs whoever tells it more than the span.
async fn gather(waiting: &mut Receiver<Ended>, batch: &mut Vec<Ended>) {
    if waiting.recv_many(batch, BATCH).await == 0 {
        return;
    }
    let enough = Instant::now() + GATHER;
    while batch.len() < BATCH && Instant::now() < enough {
        tokio::time::sleep(LOOK).await;
        while batch.len() < BATCH
            && let Ok(span) = waiting.try_recv()
        {
            batch.push(span);
        }
    }
}
