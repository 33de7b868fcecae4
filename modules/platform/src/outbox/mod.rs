//! The outbox of a module: what it tells others, until they have heard it.
//!
//! Events are delivered at least once, in order for each aggregate and subscriber, by any number
//! of replicas at the same time: a row is claimed with a lease, delivered outside of any
//! transaction, and deleted when the subscriber has accepted it. Each subscriber has a lane of its
//! own, so that one who is slow or away delays nobody else's events.
//!
//! The database's clock alone decides when a row is due and when its lease ends.

mod claim;
mod lane;
mod measure;
mod operate;
mod settle;
mod told;

use std::sync::Arc;

use crate::Pool;
use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::Context;
use uuid::Uuid;

use crate::stream::Stream;
use crate::task::keep_going;

pub use operate::{Parked, SubscriberStats};
pub use told::{process, publish};

/// The subscriber of every event where a stream is configured.
pub const STREAM: &str = "stream";

/// An event on its way to one subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: i64,
    pub event_id: Uuid,
    pub subscriber: String,
    pub aggregate_id: Uuid,
    pub event: Value,
    /// Where it was published, and then this attempt; `None` for one of an earlier version.
    pub trace: Option<Context>,
    /// Failed attempts so far.
    pub attempts: i32,
    /// How old it was when it was claimed, in seconds.
    pub age: f64,
    /// The end of the lease, which tells this claim from any other of the row.
    pub leased_until: OffsetDateTime,
}

/// Why an event stays in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The subscriber could not be asked. It will be, however long it is away.
    Unavailable,
    /// It was asked and failed; too many such answers park the event.
    Failed(String),
}

/// Brings an event to its subscriber, whose refusals it knows how to answer.
#[async_trait]
pub trait Deliver: Send + Sync {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered>;
}

/// The outbox of one module's database.
pub struct Outbox {
    module: &'static str,
    pool: Pool,
    max_attempts: i32,
    stream: Option<Stream>,
    /// Counted up when there is something to deliver.
    woken: watch::Sender<u64>,
    /// Counted up when something was written down about deliveries.
    passes: watch::Sender<u64>,
}

impl Outbox {
    /// `max_attempts` failed deliveries park an event. With a stream, every event goes there too.
    pub fn new(
        module: &'static str,
        pool: Pool,
        max_attempts: i32,
        stream: Option<Stream>,
    ) -> Self {
        Self {
            module,
            pool,
            max_attempts,
            stream,
            woken: watch::Sender::new(0),
            passes: watch::Sender::new(0),
        }
    }

    /// The database that events are written to, in the transaction of what they tell.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Who gets a row of an event that these modules listen to.
    pub fn subscribers(&self, modules: &[&str]) -> Vec<String> {
        let stream = self.stream.as_ref().map(|_| STREAM);
        let names = modules.iter().copied().chain(stream);
        names.map(str::to_owned).collect()
    }

    pub fn has_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Call it after a commit that wrote events; polling finds them anyway.
    pub fn wake(&self) {
        self.woken.send_modify(|woken| *woken += 1);
    }

    /// Told of each [`Self::wake`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.woken.subscribe()
    }

    fn written_down(&self) {
        self.passes.send_modify(|passes| *passes += 1);
    }

    /// Relays until `stop`, to these subscribers and to the stream, each in a task of its own;
    /// deliveries under way are finished first. Events of other subscribers wait.
    pub async fn relay(
        self: Arc<Self>,
        subscribers: Vec<(&'static str, Arc<dyn Deliver>)>,
        stop: CancellationToken,
    ) {
        let stream = self.stream.as_ref().map(|stream| {
            let of_module = stream.of(self.module);
            (STREAM, Arc::new(of_module) as Arc<dyn Deliver>)
        });
        let subscribers: Vec<_> = subscribers.into_iter().chain(stream).collect();
        let known: Vec<&'static str> = subscribers.iter().map(|(name, _)| *name).collect();
        let lanes = subscribers.iter().map(|(name, deliver)| {
            let lane = || Arc::clone(&self).lane(name, Arc::clone(deliver), stop.clone());
            keep_going(name, &stop, lane)
        });
        let measure = || Arc::clone(&self).measure(known.clone(), stop.clone());
        tokio::join!(
            futures_util::future::join_all(lanes),
            keep_going("measure", &stop, measure)
        );
    }
}
