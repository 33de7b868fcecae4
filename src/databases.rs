//! The databases of the modules at hand: given by a URL each, or together in the embedded Postgres.

use std::path::Path;

use anyhow::Context;
use platform::Pool;
use platform::db::{self, PoolSettings};
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::embedded::{self, DatabaseName, EmbeddedError, Progress, Server};
use crate::settings::{Module, Settings};

/// Who runs the embedded server when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// This process, for as long as it lives; a second one is refused.
    Own,
    /// Whoever runs it already, else this process.
    Share,
}

pub struct Databases {
    options: Vec<(Module, PgConnectOptions)>,
    embedded: Option<Server>,
}

impl Databases {
    pub async fn open(
        settings: &Settings,
        modules: &[Module],
        tenancy: Tenancy,
    ) -> anyhow::Result<Self> {
        let embedded = if settings.needs_embedded(modules) {
            Some(start_embedded(settings, tenancy).await?)
        } else {
            None
        };
        let options = modules
            .iter()
            .map(|module| {
                Ok((
                    *module,
                    connect_options(settings, *module, embedded.as_ref())?,
                ))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { options, embedded })
    }

    /// Databases that somebody else runs.
    pub fn given(options: Vec<(Module, PgConnectOptions)>) -> Self {
        Self {
            options,
            embedded: None,
        }
    }

    pub fn pool(&self, settings: &Settings, module: Module) -> anyhow::Result<Pool> {
        let module_settings = settings.modules.get(module);
        let options = self.connect_options(module)?;
        let pool_settings = PoolSettings {
            max: module_settings.pool_max,
            min: module_settings.pool_min,
            statement_timeout: module_settings.statement_timeout,
        };
        Ok(db::pool(module.name(), options.clone(), pool_settings))
    }

    /// A connection that reads only, for as long as it takes.
    pub async fn patient_reader(&self, module: Module) -> anyhow::Result<PgConnection> {
        let options = self.connect_options(module)?.clone().options([
            ("statement_timeout", "0"),
            ("default_transaction_read_only", "on"),
        ]);
        Ok(options.connect().await?)
    }

    /// As the module's own role.
    pub fn connect_options(&self, module: Module) -> anyhow::Result<&PgConnectOptions> {
        let options = self.options.iter().find(|(of, _)| *of == module);
        let (_, options) = options.with_context(|| format!("{module} has no database here"))?;
        Ok(options)
    }

    pub fn embedded(&self) -> Option<&Server> {
        self.embedded.as_ref()
    }

    /// Close the pools first.
    pub async fn close(self) {
        if let Some(server) = self.embedded {
            server.close().await;
        }
    }
}

fn connect_options(
    settings: &Settings,
    module: Module,
    embedded: Option<&Server>,
) -> anyhow::Result<PgConnectOptions> {
    match (&settings.modules.get(module).database_url, embedded) {
        (Some(url), _) => url
            .expose_secret()
            .parse()
            .with_context(|| format!("modules.{module}.database_url")),
        (None, Some(server)) => Ok(server.connect_options(module.name())),
        (None, None) => anyhow::bail!("modules.{module}.database_url is not set"),
    }
}

async fn start_embedded(settings: &Settings, tenancy: Tenancy) -> Result<Server, EmbeddedError> {
    let options = embedded_options(&settings.data_dir, settings.embedded.bin_dir.as_deref())?;
    match tenancy {
        Tenancy::Own => Ok(Server::Own(embedded::Cluster::start(options).await?)),
        Tenancy::Share => Server::open(options).await,
    }
}

/// All three databases, hosted here or not: a module that is switched on later finds its own.
pub fn embedded_options(
    data_dir: &Path,
    bin_dir: Option<&Path>,
) -> Result<embedded::Options, EmbeddedError> {
    Ok(embedded::Options {
        data_dir: data_dir.to_owned(),
        bin_dir: bin_dir.map(Path::to_owned),
        databases: Module::ALL
            .iter()
            .map(|module| DatabaseName::new(module.name()))
            .collect::<Result<_, _>>()?,
        progress: Progress::new(|line| tracing::info!("{line}")),
    })
}
