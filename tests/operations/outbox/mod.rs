//! The outbox as its relays, its database and its operators see it.

mod lanes;
mod leases;
mod operators;
mod relay;

use std::sync::Arc;

use cleave::settings::Module;
use platform::outbox::{Deliver, Outbox};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::TestDatabases;

/// The outbox of orders, with as many relays as a test wants.
struct Bench {
    databases: TestDatabases,
    pool: PgPool,
    stop: CancellationToken,
}

impl Bench {
    async fn new() -> Self {
        let databases = TestDatabases::create().await;
        let pool = PgPool::connect_with(databases.of(Module::Orders))
            .await
            .unwrap();
        Self {
            databases,
            pool,
            stop: CancellationToken::new(),
        }
    }

    /// One with connections of its own, as a replica has.
    fn outbox(&self) -> Arc<Outbox> {
        let few = PgPoolOptions::new().max_connections(2);
        let pool = few.connect_lazy_with(self.databases.of(Module::Orders));
        Arc::new(Outbox::new("orders", pool.into(), 5, None))
    }

    fn relay(&self, subscribers: Vec<(&'static str, Arc<dyn Deliver>)>) -> JoinHandle<()> {
        tokio::spawn(self.outbox().relay(subscribers, self.stop.clone()))
    }

    /// Numbered events, one for each aggregate given.
    async fn write(&self, subscriber: &str, aggregates: &[Uuid]) {
        sqlx::query(
            "insert into outbox (event_id, subscriber, aggregate_id, event)
             select gen_random_uuid(), $1, aggregate, to_jsonb(n)
             from unnest($2::uuid[]) with ordinality as given (aggregate, n)
             order by n",
        )
        .bind(subscriber)
        .bind(aggregates)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }
}
