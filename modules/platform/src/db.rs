//! A module's own database: its pool, its failures, its health, its migrations.

mod migrations;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgTransaction, SqlStr};
use trace::{Context, Kind, Span};
use tracing::log::LevelFilter;
use utoipa::ToSchema;

use crate::{Pool, Problem};

pub use migrations::{History, Migration, history, migrate, migrate_within, missing_migrations};

#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    pub max: u32,
    pub min: u32,
    pub statement_timeout: Duration,
}

/// A piece of work of the database that a trace tells of, such as the transaction of an order.
pub fn span(parent: Option<Context>, work: &'static str) -> Span {
    let mut span = Span::begin(Kind::Client, parent, format_args!("{work}"));
    span.set("db.system.name", "postgresql");
    span
}

/// How long a request waits for a free connection: what a rush needs that the pool serves one
/// after the other, and well within the deadline of a request.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is in use does not rest as long as this.
const RESTED: Duration = Duration::from_millis(100);

/// A pool that connects when first asked, so that a process starts while its database is away.
pub fn pool(module: &'static str, options: PgConnectOptions, settings: PoolSettings) -> Pool {
    let statement_timeout = settings.statement_timeout.as_millis().to_string();
    let options = options
        .application_name(&format!("cleave-{module}"))
        .options([
            ("statement_timeout", statement_timeout.as_str()),
            ("idle_in_transaction_session_timeout", "15000"),
            // Statements with array parameters would be planned anew at every call otherwise.
            ("plan_cache_mode", "force_generic_plan"),
            // A generic plan looks costly where it is not; compiling it takes longer than running it.
            ("jit", "off"),
            // In kB. A search looks through all entries that wait to be put into its index.
            ("gin_pending_list_limit", "512"),
        ])
        .log_statements(LevelFilter::Trace)
        .log_slow_statements(LevelFilter::Warn, Duration::from_secs(1));
    let connections = PgPoolOptions::new()
        .max_connections(settings.max)
        .min_connections(settings.min)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // In a rush everybody waits; a line for each would be another load.
        .acquire_slow_level(LevelFilter::Debug)
        // To ask each connection first would be a round trip for every statement. One that has
        // rested is asked: it may have been cut off meanwhile.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    Pool::new(module, connections)
}

/// Opens as many connections as the pool keeps; by itself it begins with the first that is asked
/// for, and the rest would be opened by requests.
pub async fn fill(pool: Pool) {
    let connections = join_all((0..pool.min()).map(|_| pool.acquire())).await;
    if let Some(Err(error)) = connections.into_iter().find(Result::is_err) {
        tracing::debug!(%error, "the pool fills when its database is there");
    }
}

/// Begins a transaction, which ends with whoever waits for it.
///
/// sqlx does not know that a transaction is open until the answer to `BEGIN` is there. Dropped before,
/// it gives the connection back to the pool inside of the transaction, and what others then write
/// there is not kept. So that nobody can drop it then, it happens in a task of its own.
pub async fn begin(pool: &Pool) -> Result<PgTransaction<'static>, sqlx::Error> {
    begin_with(pool, "begin").await
}

/// As [`begin`], by another statement.
pub async fn begin_with(
    pool: &Pool,
    statement: &'static str,
) -> Result<PgTransaction<'static>, sqlx::Error> {
    let connection = pool.acquire().await?;
    let begun = PgTransaction::begin(connection, Some(SqlStr::from_static(statement)));
    // The task is never aborted: its runtime ends.
    let begun = tokio::spawn(begun).await;
    begun.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// What a failed statement means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The database cannot be reached or takes no work.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// Another transaction was in the way; the whole transaction may be tried again.
    Contention,
    /// A bug, or a constraint that the caller should have told apart.
    Internal,
}

/// Sorts an error by the SQLSTATE classes of PostgreSQL's documentation, appendix A.
pub fn failure(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Failure::Unavailable,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("57014" | "55P03" | "25P03") => Failure::Timeout,
            Some("40001" | "40P01") => Failure::Contention,
            // 55000: the database is closed to new connections.
            Some("55000" | "25006" | "28000" | "28P01" | "3D000" | "42501") => Failure::Unavailable,
            Some(code) if ["08", "53", "57", "58"].contains(&&code[..2]) => Failure::Unavailable,
            _ => Failure::Internal,
        },
        _ => Failure::Internal,
    }
}

/// The name of the constraint that a statement broke.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// For the edge: logs the cause, answers 503 or 500.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match failure(&error) {
            Failure::Internal => {
                tracing::error!(%error, "a statement failed");
                Self::internal()
            }
            kind => {
                tracing::warn!(%error, ?kind, "the database did not serve a request");
                Self::unavailable()
            }
        }
    }
}

/// How often a transaction that met another one is tried before the caller is told.
const CONTENTION_ATTEMPTS: u32 = 5;

/// Runs a whole transaction again when it was chosen as the victim of a deadlock or could not be
/// serialised: it has left nothing behind.
pub async fn retry_contention<T, F>(mut transaction: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error)
                if attempt < CONTENTION_ATTEMPTS && failure(&error) == Failure::Contention =>
            {
                let jitter = rand::random_range(0.5..1.5);
                tokio::time::sleep(Duration::from_millis(5 << attempt).mul_f64(jitter)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// The state of a database, as `/health` shows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatabaseHealth {
    pub status: Status,
    /// Round trip of a trivial statement, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthStatus)]
pub enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

/// How long a health check waits.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn health(pool: &Pool) -> DatabaseHealth {
    let start = Instant::now();
    let ping = sqlx::query("select 1").execute(pool);
    let error = match tokio::time::timeout(PING_TIMEOUT, ping).await {
        Ok(Ok(_)) => {
            let latency = start.elapsed().as_secs_f64() * 1e3;
            return DatabaseHealth {
                status: Status::Healthy,
                latency_ms: Some((latency * 1e3).round() / 1e3),
                error: None,
            };
        }
        // Addresses and roles are not for the public; the log has them.
        Ok(Err(error)) => {
            tracing::warn!(%error, "health check of a database failed");
            match failure(&error) {
                Failure::Timeout => "timed out",
                _ => "unavailable",
            }
        }
        Err(_) => "timed out",
    };
    let connections = pool.state();
    let busy = connections.in_use >= connections.max;
    let (status, error) = match busy {
        // A rush is no outage: whoever is taken out for it leaves the rest to the others.
        true => (Status::Degraded, "every connection is in use"),
        false => (Status::Unhealthy, error),
    };
    DatabaseHealth {
        status,
        latency_ms: None,
        error: Some(error.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_cannot_be_had_is_not_our_fault() {
        assert_eq!(failure(&sqlx::Error::PoolTimedOut), Failure::Unavailable);
        assert_eq!(failure(&sqlx::Error::RowNotFound), Failure::Internal);
    }
}
