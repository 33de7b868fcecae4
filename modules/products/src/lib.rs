//! The products module: the catalogue, its search, and the stock.
//!
//! Owns the products database. Other modules reach it through [`ports::Products`], clients through
//! [`routes`].

mod audit;
mod bulk;
mod catalogue;
mod config;
pub mod demo;
mod http;
pub mod import;
mod port;
mod reservations;
pub mod words;

use std::sync::Arc;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use http::routes;

/// The schema of the products database.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The module, as handlers (`web::Data<Module>`) and its port know it.
pub struct Module {
    pool: PgPool,
    config: Config,
}

impl Module {
    pub fn new(pool: PgPool, config: Config) -> Self {
        Self { pool, config }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Gives back expired holds until `stop`.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        reservations::sweep(self.pool.clone(), stop).await;
    }
}
