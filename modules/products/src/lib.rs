//! The products module: the catalogue, its search, and the stock.
//!
//! Owns the products database. Other modules reach it through [`ports::Products`], clients through
//! [`routes`].

mod audit;
mod bulk;
mod catalogue;
mod config;
pub mod demo;
pub mod export;
mod http;
pub mod import;
mod media;
mod port;
mod reservations;
mod spreadsheet;
mod words;

/// The parsers as `fuzz/` reaches them.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::http::fuzzing::{cursor, request};
    pub use crate::import::fuzzing::import;
    pub use crate::media::fuzzing::{form, picture};
}

use std::sync::Arc;

use platform::Pool;
use sqlx::migrate::Migrator;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use http::routes;
pub use media::{MediaStore, StoreError};

/// The schema of the products database.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The module, as handlers (`web::Data<Module>`) and its port know it.
pub struct Module {
    pool: Pool,
    config: Config,
    darkroom: media::Darkroom,
    /// Places for those under way.
    exports: Arc<Semaphore>,
}

impl Module {
    pub fn new(pool: Pool, config: Config) -> Self {
        Self {
            pool,
            config,
            darkroom: media::Darkroom::new(),
            exports: Arc::new(Semaphore::new(export::http::AT_A_TIME)),
        }
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Gives back expired holds until `stop`.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        reservations::sweep(self.pool.clone(), stop).await;
    }

    /// Removes the bytes of pictures that no product has until `stop`.
    pub async fn sweep_media(self: Arc<Self>, stop: CancellationToken) {
        media::sweep(self.pool.clone(), self.config.media.clone(), stop).await;
    }

    /// Where the bytes of pictures are.
    pub fn media(&self) -> &MediaStore {
        &self.config.media
    }
}
