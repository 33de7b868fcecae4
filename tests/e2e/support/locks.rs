//! Two transactions brought into each other's way on purpose, so that a race needs no luck.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::eventually;

/// A lock in a database, held until it is let go.
pub struct Blocker {
    holder: PgConnection,
    watcher: PgConnection,
}

impl Blocker {
    /// Takes the locks that this statement takes.
    pub async fn hold(database: PgConnectOptions, statement: &str) -> Self {
        let mut holder = PgConnection::connect_with(&database).await.unwrap();
        let watcher = PgConnection::connect_with(&database).await.unwrap();
        // Written in the tests, of constants and ids.
        for statement in ["begin", statement] {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut holder)
                .await
                .unwrap();
        }
        Self { holder, watcher }
    }

    /// The row of a product's stock.
    pub async fn stock(database: PgConnectOptions, product_id: &str) -> Self {
        let statement = format!("select from stock where product_id = '{product_id}' for update");
        Self::hold(database, &statement).await
    }

    /// Waits until so many statements wait for locks; their backends, those who came first first.
    pub async fn victims(&mut self, number: usize) -> Vec<i32> {
        let mut waiting = Vec::new();
        eventually(
            &format!("{number} statements wait for a lock"),
            async || {
                waiting = sqlx::query_scalar(
                    "select pid from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'
                 order by query_start",
                )
                .fetch_all(&mut self.watcher)
                .await
                .unwrap();
                waiting.len() >= number
            },
        )
        .await;
        waiting
    }

    /// Ends a statement that waits, as an operator or a timeout would.
    pub async fn cancel(&mut self, victim: i32) {
        self.signal("select pg_cancel_backend($1)", victim).await;
    }

    /// Cuts the connection of a statement that waits.
    pub async fn disconnect(&mut self, victim: i32) {
        self.signal("select pg_terminate_backend($1)", victim).await;
    }

    async fn signal(&mut self, statement: &'static str, victim: i32) {
        let sent: bool = sqlx::query_scalar(statement)
            .bind(victim)
            .fetch_one(&mut self.watcher)
            .await
            .unwrap();
        assert!(sent);
    }

    /// Lets go, keeping what was written.
    pub async fn release(mut self) {
        sqlx::raw_sql("commit")
            .execute(&mut self.holder)
            .await
            .unwrap();
    }
}
