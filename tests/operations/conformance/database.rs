use cleave::settings::Module;
use platform::Pool;
use platform::db::{self, PoolSettings};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::Mutex;

use super::bench::Fault;
use crate::support::{Blocker, TestDatabases, admin_options};

/// The database of a module under test, and what can be done to it.
pub struct Database {
    databases: TestDatabases,
    module: Module,
    /// Every call of the module's port touches one of them.
    tables: &'static str,
    /// A connection to look behind the scenes.
    pub aside: PgPool,
    lock: Mutex<Option<Blocker>>,
}

impl Database {
    pub async fn create(module: Module, tables: &'static str) -> Self {
        let databases = TestDatabases::create_of(&[module]).await;
        let aside = PgPoolOptions::new().max_connections(1);
        Self {
            aside: aside.connect_lazy_with(databases.of(module)),
            databases,
            module,
            tables,
            lock: Mutex::default(),
        }
    }

    fn options(&self) -> PgConnectOptions {
        self.databases.of(self.module)
    }

    /// As the module has it when it is hosted.
    pub fn pool(&self) -> Pool {
        let settings = PoolSettings {
            max: 8,
            min: 0,
            statement_timeout: std::time::Duration::from_secs(15),
        };
        db::pool(self.module.name(), self.options(), settings)
    }

    pub async fn suffer(&self, fault: Fault) {
        let mut lock = self.lock.lock().await;
        match fault {
            Fault::Stalled => {
                let all = format!("lock table {} in access exclusive mode", self.tables);
                *lock = Some(Blocker::hold(self.options(), &all).await);
            }
            Fault::Away => {
                self.admit(false).await;
                // Before the lock goes with its holder.
                self.end_connections_of("cleave-%").await;
                self.end_connections_of("%").await;
                *lock = None;
            }
        }
    }

    pub async fn waiting(&self, calls: usize) {
        let mut lock = self.lock.lock().await;
        lock.as_mut().unwrap().victims(calls).await;
    }

    pub async fn recover(&self) {
        self.admit(true).await;
        if let Some(lock) = self.lock.lock().await.take() {
            lock.release().await;
        }
    }

    async fn admit(&self, anybody: bool) {
        let options = self.options();
        let name = options.get_database().unwrap();
        // The name was made by the tests.
        let alter = format!("alter database {name} allow_connections {anybody}");
        let mut admin = admin().await;
        let altered = sqlx::query(AssertSqlSafe(alter)).execute(&mut admin).await;
        altered.unwrap();
    }

    /// Returns when they have ended.
    async fn end_connections_of(&self, application: &str) {
        let options = self.options();
        sqlx::query(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where datname = $1 and application_name like $2",
        )
        .bind(options.get_database().unwrap())
        .bind(application)
        .execute(&mut admin().await)
        .await
        .unwrap();
    }
}

async fn admin() -> PgConnection {
    PgConnection::connect_with(&admin_options().await)
        .await
        .unwrap()
}
