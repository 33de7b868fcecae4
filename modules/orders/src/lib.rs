//! Orders: placed against the stock of the products module, never beyond it.
//!
//! An order costs two commits: one in the products database for the hold, one in this module's
//! for the order, its history and its event. A crash between the two leaves a hold, which expires.

mod audit;
mod cart;
mod change;
mod config;
pub mod demo;
mod erasure;
mod error;
mod events;
mod http;
mod order;
mod payment_window;
mod place;
mod port;
mod request;
mod store;
mod watch;
mod webhooks;

use std::sync::Arc;

use platform::Pool;
use platform::RequestContext;
use platform::outbox::{Deliver, Outbox};
use ports::{CallContext, Products, Users};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use config::{Config, WebhookRules};
pub use erasure::{Erasure, erase_again, erasures};
pub use events::SUBSCRIBERS;
pub use http::routes;
use watch::Watchers;

pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The orders module on its own database.
pub struct Module {
    pool: Pool,
    products: Arc<dyn Products>,
    users: Arc<dyn Users>,
    outbox: Arc<Outbox>,
    /// Orders being placed, whether or not their clients still wait.
    placements: TaskTracker,
    watchers: Arc<Watchers>,
    webhooks: webhooks::Webhooks,
    config: Config,
}

impl Module {
    pub fn new(
        pool: Pool,
        config: Config,
        products: Arc<dyn Products>,
        users: Arc<dyn Users>,
    ) -> Self {
        let outbox = Arc::new(Outbox::new(
            "orders",
            pool.clone(),
            config.event_attempts,
            config.stream.clone(),
        ));
        Self {
            pool,
            products,
            users,
            outbox,
            placements: TaskTracker::new(),
            watchers: Arc::default(),
            webhooks: webhooks::Webhooks::new(config.webhooks),
            config,
        }
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Ends the event streams of orders.
    pub fn close_streams(&self) {
        self.watchers.close();
    }

    /// Waits until the orders that are being placed are placed.
    pub async fn finish(&self) {
        self.placements.close();
        self.placements.wait().await;
    }

    /// Delivers this module's events until `stop`.
    pub async fn relay(self: Arc<Self>, stop: CancellationToken) {
        let outbox = Arc::clone(&self.outbox);
        let subscribers = vec![(events::PRODUCTS, self as Arc<dyn Deliver>)];
        outbox.relay(subscribers, stop).await;
    }

    /// What operators look after.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}

/// Carries a request to another module, on behalf of whoever made it.
fn call_context(cx: &RequestContext, caller: Uuid) -> CallContext {
    CallContext {
        deadline: cx.deadline,
        request_id: cx.request_id.clone(),
        caller: Some(caller),
        trace: Some(cx.trace),
    }
}
