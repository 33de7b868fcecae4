use std::sync::Arc;
use std::time::Duration;

use cleave::settings::Module;
use ports::orders::OrderBook;
use ports::{Currency, Orders};
use uuid::Uuid;

use super::{OrdersWorld, Told};
use crate::conformance::bench::{Fault, World, cx};
use crate::conformance::database::Database;
use crate::conformance::products::FakeProducts;
use crate::conformance::users::FakeUsers;

/// The orders module on a database of its own.
pub struct OrdersModule {
    module: Arc<orders::Module>,
    database: Database,
}

impl World for OrdersModule {
    type Port = dyn Orders;

    async fn open() -> Self {
        let tables = "inbox, outbox, orders, order_items, order_history";
        let database = Database::create(Module::Orders, tables).await;
        let config = orders::Config {
            currency: Currency::EUR,
            event_attempts: 5,
            payment_window: None,
            stream: None,
            webhooks: Default::default(),
        };
        let products = Arc::new(FakeProducts::default());
        let users = Arc::new(FakeUsers::default());
        let module = orders::Module::new(database.pool(), config, products, users);
        let module = Arc::new(module);
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
                                   reservation_id, idempotency_key, request_hash,
                                   shipping_address)
               values ($1, $1::text, $2, 'cancelled', 'EUR', 1, $3, 2,
                       gen_random_uuid(), $4, case when $4 is not null then 'hash'::bytea end,
                       jsonb_build_object('name', $3))
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
        // An address tells as much as a note.
        let (note, key, reason, reference) = sqlx::query_as(
            "select coalesce(note, shipping_address->>'name'), idempotency_key, reason, reference
             from orders join order_history on order_id = id
             where id = $1 and step = 2",
        )
        .bind(order_id)
        .fetch_one(&self.database.aside)
        .await
        .unwrap();
        [note, key, reason, reference]
    }

    async fn write(&self, order: &OrderBook) {
        let quantities: Vec<i64> = order.lines.iter().map(|line| line.quantity).collect();
        let products: Vec<Uuid> = order.lines.iter().map(|line| line.product_id).collect();
        let status = serde_json::to_value(order.status).unwrap();
        sqlx::query(
            "with written as (
               insert into orders (id, number, user_id, status, currency, total_minor, steps,
                                   reservation_id)
               values ($1, $2, gen_random_uuid(), $3, 'EUR',
                       (select sum(quantity) * 5 from unnest($6::bigint[]) quantity), $4, $7)
             ),
             lines as (
               insert into order_items
                 (order_id, line, product_id, sku, name, quantity, unit_price_minor)
               select $1, row_number() over (), product_id, 'SKU', 'Name', quantity, 5
               from unnest($5::uuid[], $6) as line (product_id, quantity)
             )
             insert into order_history (order_id, step, status)
             select $1, step, case step when $4 then $3 else 'placed' end
             from generate_series(1, $4) step",
        )
        .bind(order.order_id)
        .bind(&order.number)
        .bind(status.as_str())
        .bind(order.steps)
        .bind(products)
        .bind(quantities)
        .bind(order.reservation_id)
        .execute(&self.database.aside)
        .await
        .unwrap();
    }

    async fn told(&self, order_id: Uuid) -> Vec<String> {
        sqlx::query_scalar(
            "select event->>'type' from outbox
             where aggregate_id = $1 and subscriber = 'products' order by id",
        )
        .bind(order_id)
        .fetch_all(&self.database.aside)
        .await
        .unwrap()
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

/// Each statement ends long before it is cut off, however many orders there are; what cannot be
/// erased keeps nobody else waiting.
#[tokio::test]
async fn any_number_of_orders_is_erased_and_one_person_holds_up_no_other() {
    let world = OrdersModule::open().await;
    let (ada, bob, cyd) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for user in [ada, bob, cyd] {
        let deleted = super::deleted(user);
        world.module.handle(cx(), deleted).await.unwrap();
    }
    let orders = "insert into orders (id, number, user_id, status, currency, total_minor, note,
                                      steps, reservation_id)
        select gen_random_uuid(), gen_random_uuid()::text, $1, 'placed', 'EUR', 1, 'mail me',
               1, gen_random_uuid() from generate_series(1, $2)";
    for (user, number) in [(ada, 1), (bob, 2_500), (cyd, 1)] {
        let stored = sqlx::query(orders).bind(user).bind(number);
        stored.execute(&world.database.aside).await.unwrap();
    }
    let limits = format!(
        "create function few() returns trigger language plpgsql as $$ begin
           if (select count(*) from erased) > 1000 then raise exception 'too many at once'; end if;
           if exists (select from erased where user_id = '{ada}') then
             raise exception 'not hers';
           end if;
           return null;
         end $$;
         create trigger few after update on orders
           referencing new table as erased for each statement execute function few();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(limits))
        .execute(&world.database.aside)
        .await
        .unwrap();
    let settled = world.module.settle_erasures_once(Duration::ZERO).await;
    settled.unwrap();
    let left: Vec<Uuid> = sqlx::query_scalar("select user_id from orders where note is not null")
        .fetch_all(&world.database.aside)
        .await
        .unwrap();
    assert_eq!(left, [ada]);
    let unsettled = "select user_id from erased_users where settled_at is null";
    let unsettled: Vec<Uuid> = sqlx::query_scalar(unsettled)
        .fetch_all(&world.database.aside)
        .await
        .unwrap();
    assert_eq!(unsettled, [ada]);
    assert!(world.module.handle(cx(), super::deleted(bob)).await.is_ok());
}
