//! One Postgres for the run, started by the launcher that users get too. Each test copies the
//! template databases, which are migrated once.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use cleave::databases::embedded_options;
use cleave::embedded::{Cluster, attach};
use cleave::settings::Module;
use cleave::store::Store;
use nix::sys::statvfs::statvfs;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

/// Outlives every test, so that the server's supervisor does too.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
/// Postgres copies a template for one at a time.
static COPYING: Mutex<()> = Mutex::const_new(());
static TESTS: AtomicU32 = AtomicU32::new(0);
/// Databases of a server which is full of those of earlier runs.
const FULL: usize = 24;

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
    let folder = data_folder();
    remove_when_full(&folder).await?;
    let cluster = Cluster::start(embedded_options(&folder, None)?).await?;
    let mut admin = PgConnection::connect_with(&cluster.admin_options()).await?;
    ask_for_no_password(&mut admin).await?;
    drop_leftovers(&mut admin).await?;
    for module in Module::ALL {
        let name = template(module);
        create(&mut admin, &name, "template0", module).await?;
        let pool =
            PgPool::connect_with(cluster.connect_options(module.name()).database(&name)).await?;
        let store = Store::of(module, &pool.into());
        platform::db::migrate(&store.pool, store.migrator).await?;
        store.pool.close().await;
    }
    admin.close().await?;
    Ok(cluster)
}

/// Its thousands of rounds for each connection were a quarter of all work of a run. Nobody but this
/// user gets to the server's socket.
async fn ask_for_no_password(admin: &mut PgConnection) -> Result<(), sqlx::Error> {
    let file: String = sqlx::query_scalar("show hba_file")
        .fetch_one(&mut *admin)
        .await?;
    let statements =
        format!("copy (values ('local all all trust')) to '{file}'; select pg_reload_conf()");
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(admin)
        .await?;
    Ok(())
}

/// In memory where there is plenty of it: a busy disk makes each new database cost a second.
fn data_folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let memory = Path::new("/dev/shm");
    match statvfs(memory) {
        Ok(space) if space.blocks_available() * space.fragment_size() > 4 << 30 => {
            let own = Uuid::new_v5(&Uuid::NAMESPACE_URL, target.as_os_str().as_bytes());
            memory.join(format!("cleave-e2e-{own}"))
        }
        _ => target.join("e2e"),
    }
}

/// To drop the databases of a whole run takes longer than to begin anew.
async fn remove_when_full(folder: &Path) -> anyhow::Result<()> {
    let Ok(databases) = std::fs::read_dir(folder.join("pg/pgdata/base")) else {
        return Ok(());
    };
    if databases.count() > FULL && attach(folder, &[]).await?.is_none() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Databases of earlier runs.
async fn drop_leftovers(admin: &mut PgConnection) -> anyhow::Result<()> {
    let names: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where datname like 'test\\_%'")
            .fetch_all(&mut *admin)
            .await?;
    for name in names {
        drop_database(admin, &name).await?;
    }
    Ok(())
}

async fn drop_database(admin: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    // The name was made here: `test_`, a number and a module.
    let drop = format!("drop database {name} with (force)");
    sqlx::query(AssertSqlSafe(drop)).execute(admin).await?;
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

/// The databases of one test, one for each module; dropped with the last clone.
#[derive(Clone)]
pub struct TestDatabases {
    options: Vec<(Module, PgConnectOptions)>,
    was_away: Arc<AtomicBool>,
    _names: Arc<Names>,
}

struct Names(Vec<String>);

impl Drop for Names {
    fn drop(&mut self) {
        let names = std::mem::take(&mut self.0);
        RUNTIME.spawn(async move {
            let admin = PgConnection::connect_with(&cluster().await.admin_options()).await;
            let Ok(mut admin) = admin else { return };
            for name in names {
                // What is still there when the run ends is dropped by the next one.
                let _ = drop_database(&mut admin, &name).await;
            }
        });
    }
}

impl TestDatabases {
    pub async fn create() -> Self {
        Self::create_of(&Module::ALL).await
    }

    pub async fn create_of(modules: &[Module]) -> Self {
        let cluster = cluster().await;
        let number = TESTS.fetch_add(1, Ordering::Relaxed);
        let (mut options, mut names) = (Vec::new(), Vec::new());
        let _one_at_a_time = COPYING.lock().await;
        let mut admin = PgConnection::connect_with(&cluster.admin_options())
            .await
            .unwrap();
        for &module in modules {
            let name = format!("test_{number}_{module}");
            create(&mut admin, &name, &template(module), module)
                .await
                .unwrap();
            let of_module = cluster.connect_options(module.name()).database(&name);
            options.push((module, of_module));
            names.push(name);
        }
        admin.close().await.unwrap();
        let _names = Arc::new(Names(names));
        Self {
            options,
            was_away: Arc::default(),
            _names,
        }
    }

    pub fn all(&self) -> Vec<(Module, PgConnectOptions)> {
        self.options.clone()
    }

    pub fn of(&self, module: Module) -> PgConnectOptions {
        let found = self.options.iter().find(|(of, _)| *of == module);
        found.unwrap().1.clone()
    }

    /// One of them is taken away: from now on processes may not be ready.
    pub fn note_outage(&self) {
        self.was_away.store(true, Ordering::Relaxed);
    }

    pub fn had_outage(&self) -> bool {
        self.was_away.load(Ordering::Relaxed)
    }

    /// A connection to look behind the scenes.
    pub async fn connect(&self, module: Module) -> PgConnection {
        PgConnection::connect_with(&self.of(module)).await.unwrap()
    }
}
