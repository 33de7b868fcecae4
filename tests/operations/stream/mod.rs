//! Events as Redis Streams, read as another system would.

mod asyncapi;
mod doctor;
mod guide;
pub mod redis;

use std::collections::BTreeMap;
use std::net::TcpListener;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};

use self::redis::Redis;
use crate::support::{Customer, TestDatabases, TestShop, Topology, eventually};

/// Places orders and cancels every other one; answers their ids.
async fn sell(shop: &TestShop, admin: &Customer, lamp: &str, number: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..number {
        let order = shop.place_order(admin, &[(lamp, 1)]).await.expect(201);
        let id = order["id"].as_str().unwrap().to_owned();
        if n % 2 == 0 {
            shop.cancel_order(admin, &id).await.expect(200);
        }
        ids.push(id);
    }
    ids
}

/// The types of each order's events, each event once, in the order of their first entries.
fn by_order(entries: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut seen = Vec::new();
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries {
        if !seen.contains(&&entry["id"]) {
            seen.push(&entry["id"]);
            let text = |field: &str| entry[field].as_str().unwrap().to_owned();
            types
                .entry(text("aggregate_id"))
                .or_default()
                .push(text("type"));
        }
    }
    types
}

fn expect_told(entries: &[Value], orders: &[String]) {
    let told = by_order(entries);
    for (n, order) in orders.iter().enumerate() {
        let expected: &[&str] = match n % 2 {
            0 => &["order.placed.v1", "order.cancelled.v1"],
            _ => &["order.placed.v1"],
        };
        assert_eq!(
            told.get(order).map(Vec::as_slice).unwrap_or_default(),
            expected
        );
    }
    assert_eq!(told.len(), orders.len());
}

async fn waiting(shop: &TestShop) -> Value {
    let events = shop.ops(Method::GET, "/ops/events").await.expect(200);
    events["modules"]["orders"]["subscribers"]["stream"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_an_entry_in_the_order_of_its_order() {
    let redis = Redis::start().await;
    let (databases, set) = (TestDatabases::create().await, redis.setting());
    let one = TestShop::open_on(databases.clone(), Topology::default(), &[&set]).await;
    let two = TestShop::open_on(databases, Topology::default(), &[&set]).await;
    let admin = one.admin().await;
    let lamp = one.product(&admin, "LAMP", 1_999, 100).await;
    let mut orders = sell(&one, &admin, &lamp, 8).await;
    orders.extend(sell(&two, &admin, &lamp, 8).await);
    one.expect_balanced_books().await;
    let entries = redis.entries("orders").await;
    assert_eq!(entries.len(), 24, "each of them once");
    expect_told(&entries, &orders);
    for entry in &entries {
        asyncapi::expect_described(entry);
    }
    two.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_delays_its_events_and_loses_none() {
    let mut redis = Redis::start().await;
    let shop = TestShop::open_with(Topology::default(), &[&redis.setting()]).await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let mut orders = sell(&shop, &admin, &lamp, 4).await;
    redis.kill();
    orders.extend(sell(&shop, &admin, &lamp, 20).await);
    eventually("products hears of them all the same", async || {
        shop.reservations("allocated").await == 12 && shop.reservations("closed").await == 12
    })
    .await;
    let seen = waiting(&shop).await;
    assert!(seen["pending"].as_i64() >= Some(30), "{seen}");
    assert_eq!(
        (&seen["address"], &seen["parked"]),
        (&json!("remote"), &json!(0))
    );
    let mut db = shop.connect(Module::Orders).await;
    let attempts: i64 = sqlx::query_scalar("select coalesce(sum(attempts), 0)::bigint from outbox")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(attempts, 0, "nothing is held against them");

    redis.revive().await;
    shop.expect_balanced_books().await;
    expect_told(&redis.entries("orders").await, &orders);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_delays_nobody_else() {
    // Connections are taken and never answered.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let set = format!(
        "events.stream_url=redis://{}/",
        silent.local_addr().unwrap()
    );
    let shop = TestShop::open_with(Topology::default(), &[&set]).await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    sell(&shop, &admin, &lamp, 20).await;
    eventually("products hears of them", async || {
        shop.reservations("allocated").await == 10 && shop.reservations("closed").await == 10
    })
    .await;
    assert_eq!(waiting(&shop).await["pending"], 30);
    shop.close().await;
}

#[tokio::test]
async fn events_for_a_stream_that_is_not_set_wait_for_it() {
    let mut redis = Redis::start().await;
    let (databases, set) = (TestDatabases::create().await, redis.setting());
    let with = TestShop::open_on(databases.clone(), Topology::default(), &[&set]).await;
    let admin = with.admin().await;
    let lamp = with.product(&admin, "LAMP", 1_999, 100).await;
    redis.kill();
    let orders = sell(&with, &admin, &lamp, 3).await;
    with.close().await;
    let without = TestShop::open_on(databases.clone(), Topology::default(), &[]).await;
    let seen = waiting(&without).await;
    assert_eq!(
        (&seen["address"], &seen["pending"]),
        (&json!("none"), &json!(5))
    );
    redis.revive().await;
    let with = TestShop::open_on(databases, Topology::default(), &[&set]).await;
    with.expect_balanced_books().await;
    expect_told(&redis.entries("orders").await, &orders);
    with.close().await;
    without.close().await;
}
