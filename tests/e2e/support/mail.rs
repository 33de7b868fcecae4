//! The orders module's events, held back and let go.

use cleave::settings::Module;
use sqlx::PgConnection;

use super::TestShop;

/// Events written from now on wait until they are let go.
pub struct HeldBack(PgConnection);

impl TestShop {
    pub async fn hold_events_back(&self) -> HeldBack {
        let mut orders = self.connect(Module::Orders).await;
        sqlx::raw_sql(
            "create function hold_back() returns trigger language plpgsql as
               $$ begin new.due_at := 'infinity'; return new; end $$;
             create trigger hold_back before insert on outbox
               for each row execute function hold_back();",
        )
        .execute(&mut orders)
        .await
        .unwrap();
        HeldBack(orders)
    }
}

impl HeldBack {
    /// Also those to come.
    pub async fn let_go(mut self) {
        sqlx::raw_sql(
            "drop trigger hold_back on outbox;
             update outbox set due_at = now() where due_at = 'infinity'",
        )
        .execute(&mut self.0)
        .await
        .unwrap();
    }
}
