use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cleave::settings::Module;
use futures_util::future::join_all;
use platform::outbox::{Deliver, Delivery, Outbox, Undelivered};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{TestDatabases, TestShop, eventually};

const AGGREGATES: i64 = 40;
const EVENTS_EACH: i64 = 10;

/// Writes down what comes; every seventh delivery fails at first.
#[derive(Default)]
struct Subscriber {
    heard: Mutex<Vec<Delivery>>,
    calls: Mutex<HashMap<i64, u32>>,
}

#[async_trait]
impl Deliver for Subscriber {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let calls = {
            let mut calls = self.calls.lock().unwrap();
            let calls = calls.entry(delivery.id).or_default();
            *calls += 1;
            *calls
        };
        tokio::time::sleep(Duration::from_millis(delivery.id.unsigned_abs() % 3)).await;
        match delivery.id % 7 {
            0 if calls == 1 => Err(Undelivered::Unavailable),
            1 if calls == 1 => Err(Undelivered::Failed("not today".to_owned())),
            _ => {
                self.heard.lock().unwrap().push(delivery.clone());
                Ok(())
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_deliver_each_event_once_and_in_order() {
    let databases = TestDatabases::create().await;
    let pool = PgPool::connect_with(databases.of(Module::Orders))
        .await
        .unwrap();
    let aggregates: Vec<Uuid> = (0..AGGREGATES).map(|_| Uuid::now_v7()).collect();
    sqlx::query(
        "insert into outbox (event_id, subscriber, aggregate_id, event)
         select gen_random_uuid(), 'products', aggregate, to_jsonb(n)
         from generate_series(1, $2) n, unnest($1::uuid[]) aggregate
         order by n, random()",
    )
    .bind(&aggregates)
    .bind(EVENTS_EACH)
    .execute(&pool)
    .await
    .unwrap();

    let (subscriber, stop) = (Arc::new(Subscriber::default()), CancellationToken::new());
    let relays: Vec<_> = (0..3)
        .map(|_| {
            // Deliveries that fail and those that succeed want the same two connections.
            let few = PgPoolOptions::new().max_connections(2);
            let few = few.connect_lazy_with(databases.of(Module::Orders));
            let outbox = Arc::new(Outbox::new("orders", few.into(), 5, None));
            let subscriber: Arc<dyn Deliver> = subscriber.clone();
            tokio::spawn(outbox.relay(vec![("products", subscriber)], stop.clone()))
        })
        .collect();
    eventually("the outbox is empty", async || {
        let left: i64 = sqlx::query_scalar("select count(*) from outbox")
            .fetch_one(&pool)
            .await
            .unwrap();
        left == 0
    })
    .await;
    stop.cancel();
    join_all(relays).await;

    pool.close().await;

    let heard = subscriber.heard.lock().unwrap();
    assert_eq!(
        heard.len() as i64,
        AGGREGATES * EVENTS_EACH,
        "each of them once"
    );
    for aggregate in aggregates {
        let events = heard.iter().filter(|d| d.aggregate_id == aggregate);
        let order: Vec<i64> = events.map(|d| d.event.as_i64().unwrap()).collect();
        assert_eq!(order, (1..=EVENTS_EACH).collect::<Vec<_>>());
    }
}

/// A cancellation whose event cannot be delivered waits a moment, without asking all the time.
#[tokio::test]
async fn waiting_for_the_stock_costs_the_database_little() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let order = shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    shop.expect_balanced_books().await;
    let _held_back = shop.hold_events_back().await;
    let id = order["id"].as_str().unwrap();
    shop.cancel_order(&admin, id).await.expect(200);
    assert_eq!(shop.stock(&lamp).await, (10, 1, 9));

    let mut db = shop.connect(Module::Orders).await;
    shop.close().await;
    let claims: i64 = sqlx::query_scalar(
        "select xact_commit from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert!(claims < 150, "{claims} transactions");
}
