//! Users: accounts, sign-in and sessions.
//!
//! Access tokens are signed and short-lived ([`platform::auth::Tokens`]). A session begins with a
//! sign-in and lives on through refresh tokens: each is good once, only its SHA-256 is stored, and
//! one that is presented a second time ends its session (RFC 9700, 4.14.2). Passwords are kept as
//! argon2id hashes. A deleted account stays as a row that tells nothing of the person.

mod account;
mod address;
mod admin;
mod book;
mod config;
mod country;
pub mod demo;
mod email;
mod events;
mod hasher;
mod http;
mod lifecycle;
mod limit;
mod port;
mod profile;
mod refresh_token;
mod store;
mod sweep;
mod words;

use platform::Pool;
use std::sync::Arc;

use platform::auth::Tokens;
use platform::outbox::Outbox;

use crate::hasher::Hasher;
use crate::limit::LoginLimit;

pub use account::{Role, User};
pub use admin::{AdminError, CreatedAdmin, Outcome};
pub use config::Config;
pub use email::{InvalidEmail, check_email};
pub use events::SUBSCRIBERS;
pub use hasher::HashError;
pub use http::routes;
pub use words::words_of;

/// The history of this module's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// The users module. Handlers want it as `web::Data<Module>`.
pub struct Module {
    pool: Pool,
    config: Config,
    tokens: Tokens,
    hasher: Hasher,
    login_limit: LoginLimit,
    outbox: Arc<Outbox>,
}

impl Module {
    pub fn new(pool: Pool, config: Config, tokens: Tokens) -> Arc<Self> {
        let outbox = Arc::new(Outbox::new(
            "users",
            pool.clone(),
            config.event_attempts,
            config.stream.clone(),
        ));
        Arc::new(Self {
            pool,
            outbox,
            tokens,
            hasher: Hasher::new(),
            login_limit: LoginLimit::per_minute(config.login_per_minute, config.redis.clone()),
            config,
        })
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How many passwords were hashed or verified since the start. Each costs the same.
    pub fn passwords_hashed(&self) -> u64 {
        self.hasher.runs()
    }

    /// What operators look after.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }
}
