//! The settings as the rest of the program sees them.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use iso_currency::Currency;
use secrecy::SecretString;
use serde::Deserialize;

use super::checks::Network;
use super::read;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    Development,
    Production,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrateMode {
    Auto,
    Check,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    pub bin_dir: Option<PathBuf>,
    pub allow_in_production: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub public: SocketAddr,
    pub private: SocketAddr,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub workers: usize,
    #[serde(rename = "request_deadline_ms", deserialize_with = "read::millis")]
    pub request_deadline: Duration,
    #[serde(rename = "shutdown_grace_ms", deserialize_with = "read::millis")]
    pub shutdown_grace: Duration,
    pub trusted_proxies: Vec<Network>,
    pub cors_origins: Vec<String>,
}

/// One signing key: its id and its PKCS#8 PEM file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct AuthKey {
    pub kid: String,
    pub file: PathBuf,
}

impl From<String> for AuthKey {
    fn from(text: String) -> Self {
        let (kid, file) = text.split_once('=').unwrap_or((&text, ""));
        Self {
            kid: kid.to_owned(),
            file: file.into(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub algorithm: Algorithm,
    /// The HS256 key is its bytes as written; `None` until it is generated.
    #[serde(deserialize_with = "read::secret")]
    pub secret: Option<SecretString>,
    pub keys: Vec<AuthKey>,
    #[serde(rename = "access_token_minutes", deserialize_with = "read::minutes")]
    pub access_token: Duration,
    #[serde(rename = "refresh_token_days", deserialize_with = "read::days")]
    pub refresh_token: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Internal {
    #[serde(deserialize_with = "read::secret")]
    pub secret: Option<SecretString>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ops {
    #[serde(deserialize_with = "read::secret")]
    pub token: Option<SecretString>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    #[serde(deserialize_with = "read::secret")]
    pub url: Option<SecretString>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// `None` = `Settings::media_dir`.
    #[serde(deserialize_with = "read::secret")]
    pub url: Option<SecretString>,
}

/// `None` = no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// For each pair of address and account.
    #[serde(deserialize_with = "read::or_none")]
    pub login_per_minute: Option<NonZeroU32>,
    /// For each address.
    #[serde(deserialize_with = "read::or_none")]
    pub requests_per_second: Option<NonZeroU32>,
    #[serde(deserialize_with = "read::or_none")]
    pub body_bytes: Option<NonZeroUsize>,
    #[serde(deserialize_with = "read::or_none")]
    pub upload_bytes: Option<NonZeroUsize>,
    #[serde(deserialize_with = "read::or_none")]
    pub import_bytes: Option<NonZeroUsize>,
}

impl Limits {
    /// Many accounts tried from one address: ten times what one account allows.
    pub fn login_per_minute_and_address(&self) -> Option<NonZeroU32> {
        const ACCOUNTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
        self.login_per_minute
            .map(|limit| limit.saturating_mul(ACCOUNTS))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub max_attempts: u32,
    #[serde(deserialize_with = "read::secret")]
    pub stream_url: Option<SecretString>,
    /// Entries that each stream keeps, about.
    pub stream_length: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow_private_addresses: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log: String,
    pub log_format: LogFormat,
    #[serde(deserialize_with = "read::secret")]
    pub otlp_endpoint: Option<SecretString>,
    /// Of the traces that begin here, the share that is told.
    pub sample_ratio: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub currency: Currency,
}
