//! The databases of the hosted modules: their connections, their size, their migrations, and what
//! takes long in them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, get, web};
use futures_util::future::join_all;
use platform::pool::PoolState;
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::statements::{Statement, slowest};
use super::{Operator, answer};
use crate::settings::Module;
use crate::store::Store;

/// How long a database may take to answer.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long what it has said is good for everybody who asks.
const KEPT: Duration = Duration::from_secs(1);

/// `GET /ops/databases`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DatabasesReport {
    /// Those hosted here.
    pub modules: BTreeMap<Module, ModuleDatabase>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleDatabase {
    pub pool: PoolState,
    #[serde(flatten)]
    pub told: Told,
}

/// What the database says of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Told {
    pub size_bytes: Option<i64>,
    /// Absent where the server does not count them.
    pub statements: Option<Vec<Statement>>,
    pub migrations: Option<Migrations>,
    /// Why it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Migrations {
    pub state: MigrationState,
    /// The newest that the database has.
    pub applied: Option<i64>,
    /// The newest that this program knows.
    pub latest: Option<i64>,
    /// What `cleave migrate` would bring in.
    pub pending: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrationState {
    Current,
    Behind,
    /// A newer release was here, which keeps to what this one uses.
    Ahead,
}

/// The databases of the hosted modules, and what they said last; app data.
pub struct Watched {
    stores: Vec<Store>,
    last: Mutex<Option<(Instant, Answers)>>,
}

type Answers = BTreeMap<Module, Told>;

impl Watched {
    pub fn new(stores: Vec<Store>) -> Self {
        Self {
            stores,
            last: Mutex::default(),
        }
    }

    /// Whoever asks while they are being asked waits for that.
    async fn told(&self) -> Answers {
        let mut last = self.last.lock().await;
        if let Some((at, told)) = &*last
            && at.elapsed() < KEPT
        {
            return told.clone();
        }
        let ask = self
            .stores
            .iter()
            .map(async |store| (store.module, ask(store).await));
        let told: Answers = join_all(ask).await.into_iter().collect();
        *last = Some((Instant::now(), told.clone()));
        told
    }

    async fn report(&self) -> DatabasesReport {
        let mut told = self.told().await;
        let of = |store: &Store| {
            let database = ModuleDatabase {
                pool: store.pool.state(),
                told: told.remove(&store.module).unwrap_or_default(),
            };
            (store.module, database)
        };
        DatabasesReport {
            modules: self.stores.iter().map(of).collect(),
        }
    }

    /// Who has a connection and who wants one, for Prometheus.
    pub fn measure(&self) {
        for store in &self.stores {
            let (module, pool) = (store.module.name(), store.pool.state());
            for (state, connections) in [("idle", pool.idle), ("in_use", pool.in_use)] {
                metrics::gauge!("cleave_pool_connections", "module" => module, "state" => state)
                    .set(connections);
            }
            metrics::gauge!("cleave_pool_max", "module" => module).set(pool.max);
            metrics::gauge!("cleave_pool_waiting", "module" => module).set(pool.waiting);
        }
    }
}

#[get("/ops/databases")]
pub async fn databases(_: Operator, watched: web::Data<Watched>) -> HttpResponse {
    answer(watched.report().await)
}

async fn ask(store: &Store) -> Told {
    let error = match timeout(PATIENCE, look(store)).await {
        Ok(Ok(told)) => return told,
        Ok(Err(error)) => {
            tracing::warn!(%error, module = %store.module, "could not look at a database");
            "its database does not answer".to_owned()
        }
        Err(_) => format!(
            "its database did not answer within {} ms",
            PATIENCE.as_millis()
        ),
    };
    Told {
        error: Some(error),
        ..Told::default()
    }
}

/// On a connection of its own: when there is none to be had, this is the moment to look.
async fn look(store: &Store) -> Result<Told, sqlx::Error> {
    let patience = PATIENCE.as_millis().to_string();
    let options = store
        .pool
        .connect_options()
        .application_name("cleave-ops")
        // What nobody waits for any more ends.
        .options([("statement_timeout", patience.as_str())]);
    let mut database = options.connect().await?;
    let told = Told {
        size_bytes: Some(size(&mut database).await?),
        migrations: Some(migrations(store, &mut database).await?),
        statements: slowest(&mut database).await,
        error: None,
    };
    sqlx::Connection::close(database).await?;
    Ok(told)
}

async fn size(database: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select pg_database_size(current_database())")
        .fetch_one(database)
        .await
}

async fn migrations(store: &Store, database: &mut PgConnection) -> Result<Migrations, sqlx::Error> {
    let history = store.history(database).await?;
    let state = match (history.missing.is_empty(), history.applied > history.latest) {
        (false, _) => MigrationState::Behind,
        (true, true) => MigrationState::Ahead,
        (true, false) => MigrationState::Current,
    };
    let name = |missing: platform::db::Migration| {
        format!("{:04} {}", missing.version, missing.description)
    };
    Ok(Migrations {
        state,
        applied: history.applied,
        latest: history.latest,
        pending: history.missing.into_iter().map(name).collect(),
    })
}
