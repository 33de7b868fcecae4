//! Orders: placed against the stock of the products module, never beyond it.
//!
//! An order costs two commits: one in the products database for the hold, one in this module's
//! for the order, its history and its event. A crash between the two leaves a hold, which expires.

mod audit;
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
mod webhooks;

use std::sync::Arc;

use platform::outbox::{Deliver, Outbox};
use ports::Products;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{Config, WebhookRules};
pub use events::SUBSCRIBERS;
pub use http::routes;

pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The orders module on its own database.
pub struct Module {
    pool: PgPool,
    products: Arc<dyn Products>,
    outbox: Arc<Outbox>,
    /// Orders being placed, whether or not their clients still wait.
    placements: TaskTracker,
    webhooks: webhooks::Webhooks,
    config: Config,
}

impl Module {
    pub fn new(pool: PgPool, config: Config, products: Arc<dyn Products>) -> Self {
        let outbox = Arc::new(Outbox::new(
            "orders",
            pool.clone(),
            config.event_attempts,
            config.stream.clone(),
        ));
        Self {
            pool,
            products,
            outbox,
            placements: TaskTracker::new(),
            webhooks: webhooks::Webhooks::new(config.webhooks),
            config,
        }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
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
