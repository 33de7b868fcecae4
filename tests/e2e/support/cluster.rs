//! One Postgres for the run, started by the launcher that users get too. Each test copies the
//! template databases, which are migrated once.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cleave::databases::embedded_options;
use cleave::embedded::Cluster;
use cleave::settings::Module;
use cleave::wiring::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell};

/// Outlives every test, so that the server's supervisor does too.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
/// Postgres copies a template for one at a time.
static COPYING: Mutex<()> = Mutex::const_new(());
static TESTS: AtomicU32 = AtomicU32::new(0);

/// The server of this run.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let starting = RUNTIME.spawn(start());
            starting.await.unwrap().expect("the test cluster starts")
        })
        .await
}

/// As the superuser, on the maintenance database.
pub async fn admin_options() -> PgConnectOptions {
    cluster().await.admin_options()
}

async fn start() -> anyhow::Result<Cluster> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("e2e");
    let cluster = Cluster::start(embedded_options(&folder, None)?).await?;
    let mut admin = PgConnection::connect_with(&cluster.admin_options()).await?;
    // What tests write need not survive the machine.
    for statement in [
        "alter system set fsync = off",
        "alter system set full_page_writes = off",
        "select pg_reload_conf()",
    ] {
        sqlx::query(statement).execute(&mut admin).await?;
    }
    drop_leftovers(&mut admin).await?;
    for module in Module::ALL {
        let name = template(module);
        create(&mut admin, &name, "template0", module).await?;
        let pool =
            PgPool::connect_with(cluster.connect_options(module.name()).database(&name)).await?;
        let store = Store::of(module, &pool);
        platform::db::migrate(&pool, store.migrator).await?;
        pool.close().await;
    }
    admin.close().await?;
    Ok(cluster)
}

/// Databases of earlier runs.
async fn drop_leftovers(admin: &mut PgConnection) -> anyhow::Result<()> {
    let names: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where datname like 'test\\_%'")
            .fetch_all(&mut *admin)
            .await?;
    for name in names {
        // The name was made here: `test_`, a number and a module.
        let drop = format!("drop database {name} with (force)");
        sqlx::query(AssertSqlSafe(drop))
            .execute(&mut *admin)
            .await?;
    }
    Ok(())
}

fn template(module: Module) -> String {
    format!("test_template_{module}")
}

async fn create(
    admin: &mut PgConnection,
    name: &str,
    template: &str,
    module: Module,
) -> Result<(), sqlx::Error> {
    // Names are made here, from numbers and modules.
    let create = format!("create database {name} template {template} owner {module}_user");
    sqlx::query(AssertSqlSafe(create)).execute(admin).await?;
    Ok(())
}

/// The three databases of one test.
#[derive(Clone)]
pub struct TestDatabases {
    options: Vec<(Module, PgConnectOptions)>,
}

impl TestDatabases {
    pub async fn create() -> Self {
        let cluster = cluster().await;
        let number = TESTS.fetch_add(1, Ordering::Relaxed);
        let mut options = Vec::new();
        let _one_at_a_time = COPYING.lock().await;
        let mut admin = PgConnection::connect_with(&cluster.admin_options())
            .await
            .unwrap();
        for module in Module::ALL {
            let name = format!("test_{number}_{module}");
            create(&mut admin, &name, &template(module), module)
                .await
                .unwrap();
            let of_module = cluster.connect_options(module.name()).database(&name);
            options.push((module, of_module));
        }
        admin.close().await.unwrap();
        Self { options }
    }

    pub fn all(&self) -> Vec<(Module, PgConnectOptions)> {
        self.options.clone()
    }

    pub fn of(&self, module: Module) -> PgConnectOptions {
        let found = self.options.iter().find(|(of, _)| *of == module);
        found.unwrap().1.clone()
    }

    /// A connection to look behind the scenes.
    pub async fn connect(&self, module: Module) -> PgConnection {
        PgConnection::connect_with(&self.of(module)).await.unwrap()
    }
}
