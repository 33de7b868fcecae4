//! The modules' sections as the rest of the program sees them.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::module::Module;
use super::read;

/// Whether a module is hosted here, called at its url, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Local,
    Remote,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    pub users: ModuleSettings,
    pub products: ProductsSettings,
    pub orders: OrdersSettings,
}

impl Modules {
    /// What all modules have in common, of this one.
    pub fn get(&self, module: Module) -> &ModuleSettings {
        match module {
            Module::Users => &self.users,
            Module::Products => &self.products.module,
            Module::Orders => &self.orders.module,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct ModuleSettings {
    pub mode: Mode,
    #[serde(deserialize_with = "read::secret")]
    pub url: Option<SecretString>,
    /// `None` = the embedded Postgres.
    #[serde(deserialize_with = "read::secret")]
    pub database_url: Option<SecretString>,
    pub pool_max: u32,
    pub pool_min: u32,
    /// Zero = no limit, as in Postgres.
    #[serde(rename = "statement_timeout_ms", deserialize_with = "read::millis")]
    pub statement_timeout: Duration,
    /// The module's own, else `redis.url`.
    #[serde(deserialize_with = "read::secret")]
    pub redis_url: Option<SecretString>,
    #[serde(rename = "call_timeout_ms", deserialize_with = "read::millis")]
    pub call_timeout: Duration,
    pub call_retries: u32,
    pub circuit_failures: u32,
    #[serde(rename = "circuit_open_ms", deserialize_with = "read::millis")]
    pub circuit_open: Duration,
    pub max_in_flight: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProductsSettings {
    #[serde(flatten)]
    pub module: ModuleSettings,
    #[serde(rename = "hold_ttl_s", deserialize_with = "read::seconds")]
    pub hold_ttl: Duration,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrdersSettings {
    #[serde(flatten)]
    pub module: ModuleSettings,
    #[serde(rename = "payment_window_s", deserialize_with = "read::seconds")]
    pub payment_window: Duration,
}
