//! A module's database and the history it should have.

use platform::{Pool, db};
use sqlx::PgConnection;
use sqlx::migrate::Migrator;

use crate::settings::Module;

/// A module's database and the history it should have.
#[derive(Clone)]
pub struct Store {
    pub module: Module,
    pub pool: Pool,
    pub migrator: &'static Migrator,
}

impl Store {
    pub fn of(module: Module, pool: &Pool) -> Self {
        Self {
            module,
            pool: pool.clone(),
            migrator: migrator(module),
        }
    }

    /// Names this database among all others; `None` where the server does not tell.
    pub async fn identity(&self) -> Option<String> {
        let found = sqlx::query_scalar(
            "select system_identifier || '/' || current_database() from pg_control_system()",
        );
        found.fetch_one(&self.pool).await.ok()
    }

    pub async fn history(&self, database: &mut PgConnection) -> Result<db::History, sqlx::Error> {
        db::history(database, self.migrator).await
    }

    pub async fn missing(&self) -> Result<Vec<db::Migration>, sqlx::Error> {
        db::missing_migrations(&self.pool, self.migrator).await
    }
}

/// The history that the database of a module should have.
pub fn migrator(module: Module) -> &'static Migrator {
    static NONE: Migrator = Migrator::DEFAULT;
    match module {
        #[cfg(feature = "users")]
        Module::Users => &users::MIGRATOR,
        #[cfg(feature = "products")]
        Module::Products => &products::MIGRATOR,
        #[cfg(feature = "orders")]
        Module::Orders => &orders::MIGRATOR,
        #[allow(unreachable_patterns, reason = "when every module is built in")]
        _ => &NONE,
    }
}
