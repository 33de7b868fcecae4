use std::collections::BTreeMap;
use std::path::PathBuf;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::DatabaseName;
use super::socket::PORT;

pub(super) const MAINTENANCE: &str = "postgres";
pub(super) const SUPERUSER: &str = "postgres";

/// Where the server listens and what opens it.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) socket: PathBuf,
    pub(super) superuser_password: String,
    pub(super) modules: BTreeMap<DatabaseName, String>,
}

impl Access {
    pub(super) fn admin(&self, database: &str) -> PgConnectOptions {
        // Its statements carry passwords, which have no place in a log.
        self.options()
            .username(SUPERUSER)
            .password(&self.superuser_password)
            .database(database)
            .disable_statement_logging()
    }

    /// For a module that the server was not opened for there is no password, and Postgres refuses
    /// the connection.
    pub(super) fn module(&self, module: &str) -> PgConnectOptions {
        match self
            .modules
            .iter()
            .find(|(name, _)| name.module() == module)
        {
            Some((name, password)) => self
                .options()
                .username(&name.role())
                .password(password)
                .database(&name.database()),
            None => self.options().username(module).database(module),
        }
    }

    /// Set in full, so that `PG...` variables of the environment change nothing.
    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(PORT)
            .ssl_mode(PgSslMode::Disable)
    }
}
