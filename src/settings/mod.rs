//! The settings: `config/default.toml`, then a file, the environment and the command line, each
//! later one winning. The schema says what there is; everything that is wrong is said at once.

mod certificate;
mod checks;
mod file;
mod inputs;
mod keys;
mod kind;
mod layers;
mod load;
mod mask;
mod module;
mod not_yet;
mod placed;
mod placement;
mod print;
mod read;
mod rules;
mod schema;
mod secrets;
mod source;
mod suggest;
mod typed;
mod value;
mod values;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::path::PathBuf;

use platform::auth::{Ed25519Key, Tokens};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use checks::Network;
pub use inputs::{Inputs, Purpose};
pub use keys::KeyError;
pub use module::Module;
pub use placed::{Mode, ModuleSettings, Modules, OrdersSettings, ProductsSettings};
pub use print::{Effective, print};
pub use source::{Problem, Problems, Source};
pub use typed::*;

use crate::tls;
use value::Value;
use values::Values;

/// Every setting with its default, commented.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The settings of one process, checked. Nothing was written to get them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub environment: Environment,
    pub data_dir: PathBuf,
    pub migrate: MigrateMode,
    pub embedded: Embedded,
    pub server: Server,
    pub modules: Modules,
    pub auth: Auth,
    pub internal: Internal,
    pub ops: Ops,
    pub redis: Redis,
    pub media: Media,
    pub limits: Limits,
    pub events: Events,
    pub webhooks: Webhooks,
    pub telemetry: Telemetry,
    pub store: Store,
    /// What was asked for and does not happen in this version; for the log.
    #[serde(skip)]
    pub warnings: Vec<String>,
    #[serde(skip)]
    values: Values,
}

/// The secrets of a process, all there.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Sign and verify access tokens.
    pub tokens: Tokens,
    pub internal: SecretString,
    pub ops_token: SecretString,
    /// Where the operator's token can be read, when it was generated.
    pub ops_token_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("{0}: missing, and production does not generate secrets")]
    Missing(&'static str),
    #[error("{setting}: cannot keep a generated secret in {}", path.display())]
    Keep {
        setting: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("auth.keys: {0}")]
    Keys(#[from] KeyError),
}

impl Settings {
    /// The secrets this process works with; development makes the missing ones and keeps them in
    /// `<data_dir>/keys`, where the next start and other processes find them.
    pub fn generate_missing_secrets(&mut self) -> Result<Secrets, SecretsError> {
        let [_, internal, ops_token] = secrets::NAMES;
        let secrets = Secrets {
            tokens: self.tokens()?,
            internal: self.secret(internal)?,
            ops_token: self.secret(ops_token)?,
            ops_token_file: match self.source(ops_token) {
                Some(Source::Generated(path)) => Some(path.clone()),
                _ => None,
            },
        };
        self.internal.secret = Some(secrets.internal.clone());
        self.ops.token = Some(secrets.ops_token.clone());
        Ok(secrets)
    }

    fn tokens(&mut self) -> Result<Tokens, SecretsError> {
        let lifetime = self.auth.access_token;
        if self.auth.algorithm == Algorithm::Hs256 {
            let secret = self.secret(secrets::NAMES[0])?;
            let tokens = Tokens::hs256(&secret, lifetime);
            self.auth.secret = Some(secret);
            return Ok(tokens);
        }
        let mut given = keys::read(&self.auth.keys)?.into_iter();
        let first = match given.next() {
            Some(first) => first,
            None => self.generated_key()?,
        };
        Ok(Tokens::eddsa(first, given.collect(), lifetime))
    }

    fn generated_key(&mut self) -> Result<Ed25519Key, SecretsError> {
        if self.environment == Environment::Production {
            return Err(SecretsError::Missing(keys::SETTING));
        }
        let (path, key) = keys::read_or_make(&self.data_dir);
        let key = key.map_err(|source| SecretsError::Keep {
            setting: keys::SETTING,
            path: path.clone(),
            source,
        })?;
        let shown = Value::List(vec![format!("{}={}", key.kid(), path.display())]);
        self.values
            .set(keys::SETTING, shown, Source::Generated(path));
        Ok(key)
    }

    fn secret(&mut self, name: &'static str) -> Result<SecretString, SecretsError> {
        if let Some(secret) = self.values.value(name).secret() {
            return Ok(secret.clone());
        }
        if self.environment == Environment::Production {
            return Err(SecretsError::Missing(name));
        }
        let path = secrets::path(&self.data_dir, name);
        let secret = secrets::read_or_make(&path).map_err(|source| SecretsError::Keep {
            setting: name,
            path: path.clone(),
            source,
        })?;
        let value = Value::Secret(secret.expose_secret().into());
        self.values.set(name, value, Source::Generated(path));
        Ok(secret)
    }

    /// Every setting with its value, secrets masked, and where it came from.
    pub fn effective(&self) -> Vec<Effective> {
        self.values.iter().map(Effective::of).collect()
    }

    /// Where the value of `section.key` came from; `None` for a name that is no setting.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.values.source(name)
    }

    /// The modules whose mode is `local`.
    pub fn hosted(&self) -> impl Iterator<Item = Module> + '_ {
        Module::ALL
            .into_iter()
            .filter(|module| self.modules.get(*module).mode == Mode::Local)
    }

    /// Whether one of these modules lives in the embedded Postgres.
    pub fn needs_embedded(&self, modules: &[Module]) -> bool {
        modules
            .iter()
            .any(|module| self.modules.get(*module).database_url.is_none())
    }

    /// `None` = plain HTTP.
    pub fn certificate(&self) -> Option<tls::Files> {
        let (cert, key) = (self.server.tls_cert.clone(), self.server.tls_key.clone());
        let (cert, key) = cert.zip(key)?;
        Some(tls::Files { cert, key })
    }

    /// Where pictures are kept when media.url names no other place.
    pub fn media_dir(&self) -> PathBuf {
        self.data_dir.join("media")
    }
}
