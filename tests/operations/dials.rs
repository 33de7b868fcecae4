//! The dials of replicas, which share a Redis.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stream::redis::Redis;
use crate::support::{TestDatabases, TestShop, Topology, eventually};

struct Replicas {
    databases: TestDatabases,
    redis: Redis,
}

impl Replicas {
    async fn start(&self, own: &[&str]) -> TestShop {
        let common = format!("redis.url={}", self.redis.url());
        let set: Vec<&str> = own.iter().copied().chain([&*common]).collect();
        TestShop::open_on(self.databases.clone(), Topology::ALL_LOCAL, &set).await
    }
}

/// Where the dial of products stands.
async fn stands(shop: &TestShop) -> Value {
    let topology = shop.ops(Method::GET, "/ops/topology").await.expect(200);
    let products = &topology["modules"]["products"];
    json!([products["step"], products["percent"], products["url"]])
}

async fn follows(shop: &TestShop, position: &Value) {
    eventually("the dial follows", async || stands(shop).await == *position).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_turn_together_and_the_latest_turn_counts_when_redis_was_away() {
    let mut shops = Replicas {
        databases: TestDatabases::create().await,
        redis: Redis::start().await,
    };
    let (one, two) = (shops.start(&[]).await, shops.start(&[]).await);
    // It shares the Redis, and is placed otherwise.
    let peer = shops.start(&["modules.orders.mode=off"]).await;
    let url = format!("http://{}", peer.private());

    let turn = json!({ "step": "canary", "percent": 50, "url": url });
    one.turn("products", &turn).await.expect(200);
    follows(&two, &json!(["canary", 50, url])).await;
    let admin = two.admin().await;
    let lamp = two.product(&admin, "LAMP", 100, 9).await;
    two.place_order(&admin, &[(&lamp, 1)]).await.expect(201);

    shops.redis.kill();
    let remote = json!(["remote", 100, url]);
    one.turn("products", &json!({ "step": "remote" }))
        .await
        .expect(200);
    assert_eq!(stands(&one).await, remote);
    two.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    assert_eq!(stands(&two).await, json!(["canary", 50, url]));
    shops.redis.revive().await;
    follows(&two, &remote).await;
    // One that has never heard of a turn stands where the others do before anybody can ask.
    let late = shops.start(&[]).await;
    assert_eq!(stands(&late).await, remote);

    // It claims to be of the far future, and is not signed by the shop.
    let forged = b"9999999999999 {\"turned_at\":9999999999999} \xff";
    shops.redis.overwrite("cleave:dials:*", forged).await;
    two.turn("products", &json!({ "step": "local" }))
        .await
        .expect(200);
    for shop in [&one, &late] {
        follows(shop, &json!(["local", 0, url])).await;
    }
    assert_eq!(stands(&peer).await, json!(["local", 0, null]));
    for shop in [one, two, late, peer] {
        shop.close().await;
    }
}
