use cleave::settings::Module;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{TestDatabases, admin_options};

/// A database that lets nobody in, as one that is down.
pub struct Outage {
    admin: PgConnection,
    name: String,
}

impl Outage {
    pub async fn of(module: Module, databases: &TestDatabases) -> Self {
        databases.note_outage();
        let name = databases.of(module).get_database().unwrap().to_owned();
        let mut admin = PgConnection::connect_with(&admin_options().await)
            .await
            .unwrap();
        // The name was made by the tests.
        let close = format!(
            "alter database {name} connection limit 0;
             select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        );
        sqlx::raw_sql(AssertSqlSafe(close))
            .execute(&mut admin)
            .await
            .unwrap();
        Self { admin, name }
    }

    pub async fn end(mut self) {
        let open = format!("alter database {} connection limit -1", self.name);
        sqlx::raw_sql(AssertSqlSafe(open))
            .execute(&mut self.admin)
            .await
            .unwrap();
    }
}
