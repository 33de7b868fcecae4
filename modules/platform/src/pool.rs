//! A module's connections, and who waits for one.

mod times;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use metrics::{Histogram, histogram};
use serde::{Deserialize, Serialize};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Error, Execute, Executor, PgPool, Postgres, SqlStr};
use tokio::sync::mpsc;

use self::times::Times;

/// As [`PgPool`], which does not tell who waits for a connection; cheap to clone.
#[derive(Clone)]
pub struct Pool {
    connections: PgPool,
    waits: Arc<Waits>,
}

/// The connections of a process to one database, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolState {
    /// As many as there may be.
    pub max: u32,
    pub size: u32,
    pub idle: u32,
    pub in_use: u32,
    /// Who has none and wants one.
    pub waiting: u32,
    pub acquire_ms: AcquireTimes,
}

/// What it took lately to get a connection, in milliseconds; those who gave up count for as long as
/// they have waited. Absent when nobody wanted one for a minute or two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcquireTimes {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

struct Waits {
    waiting: AtomicU32,
    times: Times,
    /// For Prometheus.
    seconds: Histogram,
}

/// Somebody who waits, until it is dropped: with a connection or without.
struct Waiting<'a> {
    waits: &'a Waits,
    since: Instant,
}

impl Waits {
    fn new(seconds: Histogram) -> Arc<Self> {
        Arc::new(Self {
            waiting: AtomicU32::new(0),
            times: Times::new(Instant::now()),
            seconds,
        })
    }

    fn begin(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting {
            waits: self,
            since: Instant::now(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let took = now.duration_since(self.since);
        self.waits.waiting.fetch_sub(1, Ordering::Relaxed);
        self.waits.times.record(now, took);
        self.waits.seconds.record(took);
    }
}

impl Pool {
    /// Of this module, as metrics name it.
    pub fn new(module: &'static str, connections: PgPool) -> Self {
        let seconds = histogram!("cleave_pool_acquire_seconds", "module" => module);
        Self {
            connections,
            waits: Waits::new(seconds),
        }
    }

    /// Whoever asks waits from when this is first polled.
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<Postgres>, Error>> + Send + use<> {
        let (waits, connection) = (Arc::clone(&self.waits), self.connections.acquire());
        async move {
            let _waiting = waits.begin();
            connection.await
        }
    }

    /// Wakes those who wait, to whom it is an error, and waits for the connections in use.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    pub fn connect_options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.connections.connect_options())
    }

    /// As many connections as are kept when nobody wants them.
    pub fn min(&self) -> u32 {
        self.connections.options().get_min_connections()
    }

    pub fn state(&self) -> PoolState {
        let size = self.connections.size();
        let idle = u32::try_from(self.connections.num_idle()).unwrap_or(u32::MAX);
        let idle = idle.min(size);
        let times = &self.waits.times;
        let [p50, p99] = times.quantiles(Instant::now(), [50, 99]);
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        PoolState {
            max: self.connections.options().get_max_connections(),
            size,
            idle,
            in_use: size - idle,
            waiting: self.waits.waiting.load(Ordering::Relaxed),
            acquire_ms: AcquireTimes {
                p50: p50.map(millis),
                p99: p99.map(millis),
            },
        }
    }
}

/// Without a name in the metrics.
impl From<PgPool> for Pool {
    fn from(connections: PgPool) -> Self {
        Self {
            connections,
            waits: Waits::new(Histogram::noop()),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connections.fmt(f)
    }
}

type Step = Result<Either<PgQueryResult, PgRow>, Error>;

/// Each call has a connection of its own, which it gives back.
impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    /// Rows as they come: no more of them are read than are asked for.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let connection = self.acquire();
        let (tell, mut told) = mpsc::channel::<Step>(1);
        // Lives with its stream and is polled with it, so it needs no task.
        let read = async move {
            let told = async {
                let mut connection = connection.await?;
                let mut steps = connection.fetch_many(query);
                while let Some(step) = steps.try_next().await? {
                    // The receiver lives as long as this does.
                    let _ = tell.send(Ok(step)).await;
                }
                Ok(())
            };
            if let Err(error) = told.await {
                let _ = tell.send(Err(error)).await;
            }
        };
        let reading = stream::once(read).filter_map(|()| future::ready(None));
        let told = stream::poll_fn(move |cx| told.poll_recv(cx));
        stream::select(told, reading).boxed()
    }

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<PgQueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.execute(query).await })
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.fetch_all(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        let connection = self.acquire();
        Box::pin(async move { connection.await?.describe(sql).await })
    }
}
