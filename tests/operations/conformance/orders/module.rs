use std::sync::Arc;
use std::time::Duration;

use cleave::settings::Module;
use ports::{Currency, Orders};
use uuid::Uuid;

use super::{OrdersWorld, Told};
use crate::conformance::bench::{Fault, World, cx};
use crate::conformance::database::Database;
use crate::conformance::products::FakeProducts;

/// The orders module on a database of its own.
pub struct OrdersModule {
    module: Arc<orders::Module>,
    database: Database,
}

impl World for OrdersModule {
    type Port = dyn Orders;

    async fn open() -> Self {
        let database = Database::create(Module::Orders, "inbox").await;
        let config = orders::Config {
            currency: Currency::EUR,
            event_attempts: 5,
            payment_window: None,
            stream: None,
        };
        let products = Arc::new(FakeProducts::default());
        let module = Arc::new(orders::Module::new(database.pool(), config, products));
        Self { module, database }
    }

    fn port(&self) -> Arc<dyn Orders> {
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

impl OrdersWorld for OrdersModule {
    async fn order(&self, user_id: Uuid, told: Told) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "with cancelled as (
               insert into orders (id, number, user_id, status, currency, total_minor, note, steps,
                                   reservation_id, idempotency_key, request_hash)
               values ($1, $1::text, $2, 'cancelled', 'EUR', 1, $3, 2,
                       gen_random_uuid(), $4, case when $4 is not null then 'hash'::bytea end)
             )
             insert into order_history (order_id, step, status, reason, reference)
             values ($1, 1, 'placed', null, null), ($1, 2, 'cancelled', $5, $6)",
        )
        .bind(id)
        .bind(user_id)
        .bind(told.note)
        .bind(told.key)
        .bind(told.reason)
        .bind(told.reference)
        .execute(&self.database.aside)
        .await
        .unwrap();
        id
    }

    async fn tells(&self, order_id: Uuid) -> [Option<String>; 4] {
        let (note, key, reason, reference) = sqlx::query_as(
            "select note, idempotency_key, reason, reference
             from orders join order_history on order_id = id
             where id = $1 and step = 2",
        )
        .bind(order_id)
        .fetch_one(&self.database.aside)
        .await
        .unwrap();
        [note, key, reason, reference]
    }
}

/// A note that was on its way when its writer was forgotten.
#[tokio::test]
async fn what_an_erasure_could_not_see_is_erased_by_the_second_look() {
    let world = OrdersModule::open().await;
    let ada = Uuid::now_v7();
    let deleted = super::deleted(ada);
    world.module.handle(cx(), deleted).await.unwrap();
    let order = world.order(ada, super::TELLING).await;
    let a_while = Duration::from_secs(3600);
    world.module.settle_erasures_once(a_while).await.unwrap();
    assert_eq!(world.tells(order).await, super::all_of(super::TELLING));
    world
        .module
        .settle_erasures_once(Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(world.tells(order).await, super::NOTHING);
}
