//! Carries deliveries out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::trace::{Kind, Span};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::claim::{self, Busy, Claimed, Lease};
use super::outcome::{self, Attempt, Outcome, Verdict};
use super::payload::payload;
use super::schedule::pause_after;
use super::send::{Message, Sender};
use crate::Module;
use crate::order::Order;
use crate::store::by_ids;

/// Deliveries to one webhook at a time. How many webhooks there may be bounds them all.
const EACH_MOST: i64 = 8;
/// Between two claims at least, and at most.
const GATHER: Duration = Duration::from_millis(20);
const POLL: Duration = Duration::from_secs(1);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);
/// How long the end waits for what is under way.
const GRACE: Duration = Duration::from_secs(3);

impl Module {
    /// Tells the webhooks what happens to orders, until `stop`. Any number of replicas may.
    pub async fn deliver_webhooks(self: Arc<Self>, stop: CancellationToken) {
        let mut courier = Courier {
            module: self,
            under_way: JoinSet::new(),
            leases: HashMap::new(),
            listens: false,
            full: false,
        };
        courier.work(&stop).await;
        courier.finish().await;
    }
}

struct Courier {
    module: Arc<Module>,
    under_way: JoinSet<Outcome>,
    leases: HashMap<Id, Lease>,
    /// There are webhooks: to look when an order changes is worth it.
    listens: bool,
    /// A webhook had as much as it may have at a time; there may be more.
    full: bool,
}

type Ended = Option<Result<(Id, Outcome), JoinError>>;

impl Courier {
    async fn work(&mut self, stop: &CancellationToken) {
        let module = Arc::clone(&self.module);
        let mut changed = module.outbox.subscribe();
        let mut looked = Instant::now();
        let mut look_at = looked;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                ended = self.under_way.join_next_with_id(), if !self.under_way.is_empty() => {
                    self.write_down(ended).await;
                    if self.full {
                        look_at = look_at.min(looked + GATHER);
                    }
                }
                () = tokio::time::sleep_until(look_at.into()) => {
                    let pause = self.look().await;
                    looked = Instant::now();
                    look_at = looked + pause;
                }
                () = module.webhooks.made.notified() => look_at = looked + GATHER,
                () = next(&mut changed), if self.listens => look_at = look_at.min(looked + GATHER),
            }
        }
    }

    /// Takes up what is due; answers when to look again.
    async fn look(&mut self) -> Duration {
        match self.take_up().await {
            Ok(()) => POLL.mul_f64(rand::random_range(0.5..1.0)),
            Err(error) => {
                tracing::warn!(%error, "could not look for webhooks to deliver");
                PAUSE_AFTER_ERROR.mul_f64(rand::random_range(0.5..1.5))
            }
        }
    }

    async fn take_up(&mut self) -> Result<(), sqlx::Error> {
        let pool = self.module.pool();
        let busy = self.busy();
        let claimed = claim::claim(pool, &busy, EACH_MOST).await?;
        if claimed.is_empty() {
            self.listens = claim::anybody(pool).await?;
            self.full = !self.under_way.is_empty();
            return Ok(());
        }
        self.listens = true;
        self.full = true;
        let leases: Vec<Lease> = claimed.iter().map(|claimed| claimed.lease).collect();
        let order_ids: Vec<Uuid> = claimed.iter().map(|claimed| claimed.order_id).collect();
        let orders = match by_ids(pool, &order_ids).await {
            Ok(orders) => orders,
            Err(error) => {
                claim::give_back(pool, &leases).await?;
                return Err(error);
            }
        };
        let orders: HashMap<Uuid, Order> = orders.into_iter().map(|o| (o.id, o)).collect();
        for claimed in claimed {
            let lease = claimed.lease;
            let order = orders.get(&claimed.order_id).cloned();
            let sender = self.module.webhooks.sender.clone();
            let task = self.under_way.spawn(attempt(sender, claimed, order));
            self.leases.insert(task.id(), lease);
        }
        Ok(())
    }

    fn busy(&self) -> Busy {
        let mut counts = HashMap::<Uuid, i64>::new();
        for lease in self.leases.values() {
            *counts.entry(lease.webhook_id).or_default() += 1;
        }
        let (webhook_ids, deliveries) = counts.into_iter().unzip();
        Busy {
            webhook_ids,
            deliveries,
        }
    }

    /// This one, and others that have ended meanwhile.
    async fn write_down(&mut self, ended: Ended) {
        let mut outcomes = Vec::new();
        let mut ended = ended;
        while let Some(one) = ended {
            let id = match one {
                Ok((id, outcome)) => {
                    outcomes.push(outcome);
                    id
                }
                // Its lease runs out, and it is tried again.
                Err(error) => {
                    tracing::error!(%error, "the delivery of a webhook broke off");
                    error.id()
                }
            };
            self.leases.remove(&id);
            ended = self.under_way.try_join_next_with_id();
        }
        if let Err(error) = outcome::record(self.module.pool(), &outcomes).await {
            // The leases run out, and what was delivered is delivered again.
            tracing::warn!(%error, "could not write down what came of webhooks");
        }
    }

    /// Lets what is under way end, for a while; others may have the rest.
    async fn finish(&mut self) {
        let all = async {
            while let Some(ended) = self.under_way.join_next_with_id().await {
                self.write_down(Some(ended)).await;
            }
        };
        if tokio::time::timeout(GRACE, all).await.is_ok() {
            return;
        }
        self.under_way.abort_all();
        let leases: Vec<Lease> = self.leases.values().copied().collect();
        if let Err(error) = claim::give_back(self.module.pool(), &leases).await {
            tracing::warn!(%error, "webhooks that were cut off wait until their leases end");
        }
    }
}

/// Something was written down for others to hear.
async fn next(changed: &mut watch::Receiver<u64>) {
    if changed.changed().await.is_err() {
        std::future::pending().await
    }
}

async fn attempt(sender: Sender, claimed: Claimed, order: Option<Order>) -> Outcome {
    let at = OffsetDateTime::now_utc();
    let start = Instant::now();
    let body = order.and_then(|order| payload(&claimed.event_type, order, claimed.step));
    let mut told = begin(&claimed);
    let (status, error) = match body {
        Some(body) => {
            let message = Message {
                url: &claimed.url,
                secret: &claimed.secret,
                id: claimed.lease.event_id.to_string(),
                body,
            };
            match sender.send(message).await {
                Ok(status) => (Some(status.as_u16()), refusal(status)),
                Err(error) => (None, Some(error.to_string())),
            }
        }
        None => (None, Some("there is no such order".to_owned())),
    };
    end(&mut told, status, error.as_deref());
    drop(told);
    let verdict = match (status, &error) {
        (Some(410), _) => Verdict::Gone,
        (_, None) => Verdict::Delivered,
        _ => Verdict::Failed(pause_after(claimed.attempts + 1)),
    };
    let attempt = Attempt {
        at,
        status_code: status,
        error,
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    tracing::debug!(lease = ?claimed.lease, ?attempt, "tried to deliver a webhook");
    Outcome {
        lease: claimed.lease,
        attempt,
        verdict,
    }
}

fn begin(claimed: &Claimed) -> Span {
    let name = format_args!("webhook {}", claimed.event_type);
    let mut span = Span::begin(Kind::Client, claimed.trace, name);
    let lease = claimed.lease;
    span.set("cleave.module", "orders");
    span.set("cleave.webhook_id", format_args!("{}", lease.webhook_id));
    span.set("messaging.message.id", format_args!("{}", lease.event_id));
    span
}

fn end(span: &mut Span, status: Option<u16>, error: Option<&str>) {
    if let Some(status) = status {
        span.set("http.response.status_code", status);
    }
    if let Some(error) = error {
        span.fail(error);
    }
}

/// Why this is no success.
fn refusal(status: http::StatusCode) -> Option<String> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some("redirects are not followed".to_owned()),
        410 => Some("the receiver wants no more".to_owned()),
        _ => Some("the receiver did not take it".to_owned()),
    }
}
