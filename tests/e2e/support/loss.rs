use cleave::settings::Module;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{TestShop, admin_options};

/// Statements that take a database away and give it back.
pub type Loss = fn(&str) -> [String; 2];

pub const CLOSED: Loss = |name| {
    [
        format!("alter database {name} allow_connections false"),
        format!("alter database {name} allow_connections true"),
    ]
};
pub const GONE: Loss = |name| {
    [
        format!("alter database {name} rename to {name}_away"),
        format!("alter database {name}_away rename to {name}"),
    ]
};
pub const FORBIDDEN: Loss = |name| {
    [
        format!("revoke connect on database {name} from public, products_user"),
        format!("grant connect on database {name} to products_user"),
    ]
};

pub struct Lost {
    give_back: String,
}

/// As when a server fails: new connections are refused, those that are there break.
pub async fn lose(shop: &TestShop, module: Module, loss: Loss) -> Lost {
    shop.databases.note_outage();
    let name = shop.databases.of(module).get_database().unwrap().to_owned();
    let [take, give_back] = loss(&name);
    let mut admin = PgConnection::connect_with(&admin_options().await)
        .await
        .unwrap();
    // A renamed database must have nobody in it, and pools are quick to come back.
    for _ in 0..50 {
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(&name)
            .execute(&mut admin)
            .await
            .unwrap();
        if sqlx::query(AssertSqlSafe(take.as_str()))
            .execute(&mut admin)
            .await
            .is_ok()
        {
            break;
        }
    }
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
        .bind(&name)
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
    Lost { give_back }
}

impl Lost {
    pub async fn give_back(self) {
        let mut admin = PgConnection::connect_with(&admin_options().await)
            .await
            .unwrap();
        sqlx::query(AssertSqlSafe(self.give_back))
            .execute(&mut admin)
            .await
            .unwrap();
    }
}
