use std::sync::Arc;
use std::time::Duration;

use cleave::settings::Module;
use platform::auth::Tokens;
use ports::Users;
use ports::users::Role;
use secrecy::SecretString;
use uuid::Uuid;

use super::UsersWorld;
use crate::conformance::bench::{Fault, World};
use crate::conformance::database::Database;

/// The users module on a database of its own.
pub struct UsersModule {
    module: Arc<users::Module>,
    database: Database,
}

impl World for UsersModule {
    type Port = dyn Users;

    async fn open() -> Self {
        let database = Database::create(Module::Users, "users, addresses").await;
        let config = users::Config {
            login_per_minute: 0,
            redis: None,
            refresh_token_lifetime: Duration::from_secs(3600),
            event_attempts: 5,
            stream: None,
        };
        let tokens = Tokens::hs256(&SecretString::from("nobody signs in"), Duration::ZERO);
        let module = users::Module::new(database.pool(), config, tokens);
        Self { module, database }
    }

    fn port(&self) -> Arc<dyn Users> {
        Arc::clone(&self.module) as _
    }

    async fn suffer(&self, fault: Fault) {
        self.database.suffer(fault).await;
    }

    async fn waiting(&self, calls: usize) {
        self.database.waiting(calls).await;
    }

    async fn recover(&self) {
        self.database.recover().await;
    }
}

impl UsersWorld for UsersModule {
    async fn account(&self, role: Role) -> Uuid {
        let id = Uuid::now_v7();
        let role = match role {
            Role::Customer => "customer",
            Role::Admin => "admin",
        };
        sqlx::query(
            "insert into users (id, email, email_key, password_hash, full_name, role)
             values ($1, $2, $2, '', 'Somebody', $3)",
        )
        .bind(id)
        .bind(format!("{id}@example.com"))
        .bind(role)
        .execute(&self.database.aside)
        .await
        .unwrap();
        id
    }

    async fn lock(&self, user_id: Uuid) {
        sqlx::query("update users set is_active = false where id = $1")
            .bind(user_id)
            .execute(&self.database.aside)
            .await
            .unwrap();
    }

    async fn session(&self, user_id: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into sessions (id, user_id, expires_at)
             values ($1, $2, now() + interval '1 day')",
        )
        .bind(id)
        .bind(user_id)
        .execute(&self.database.aside)
        .await
        .unwrap();
        id
    }

    async fn end_session(&self, session_id: Uuid) {
        sqlx::query("update sessions set revoked_at = now() where id = $1")
            .bind(session_id)
            .execute(&self.database.aside)
            .await
            .unwrap();
    }

    async fn address(&self, user_id: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into addresses (id, user_id, name, line1, city, postal_code, country)
             values ($1, $2, 'Anna Schmidt', 'Unter den Linden 1', 'Berlin', '10117', 'DE')",
        )
        .bind(id)
        .bind(user_id)
        .execute(&self.database.aside)
        .await
        .unwrap();
        id
    }

    async fn make_default(&self, user_id: Uuid, address_id: Uuid) {
        sqlx::query("update users set default_address_id = $2 where id = $1")
            .bind(user_id)
            .bind(address_id)
            .execute(&self.database.aside)
            .await
            .unwrap();
    }
}
