//! How often somebody may try to sign in, counted for all replicas together.

use std::time::Instant;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stream::redis::Redis;
use crate::support::{PASSWORD, TestDatabases, TestShop, Topology, eventually};

const PER_MINUTE: u64 = 3;
const LIMIT: &str = "limits.login_per_minute=3";

async fn replica(databases: &TestDatabases, redis: &str) -> TestShop {
    let set = [LIMIT, redis, "server.trusted_proxies=127.0.0.1"];
    TestShop::open_on(databases.clone(), Topology::ALL_LOCAL, &set).await
}

/// A wrong password, from that address.
async fn guess(shop: &TestShop, address: &str, account: &str) -> StatusCode {
    let body = json!({ "email": format!("{account}@example.com"), "password": PASSWORD });
    let request = shop.request(Method::POST, "/api/v1/auth/login");
    let answer = shop
        .send(request.header("x-forwarded-for", address).json(&body))
        .await;
    if answer.status == 429 {
        assert!(answer.header("retry-after").is_some());
    } else {
        assert_eq!(answer.status, 401, "{}", answer.text);
    }
    answer.status
}

/// By turns, twice as often as one process would allow; whether they let through what one would.
async fn is_shared(shops: [&TestShop; 2], address: &str, account: &str) -> bool {
    let start = Instant::now();
    let mut let_through = 0;
    for _ in 0..2 * PER_MINUTE {
        for shop in shops {
            let_through += u64::from(guess(shop, address, account).await != 429);
        }
    }
    assert!(let_through >= PER_MINUTE, "{let_through}");
    let refilled = start.elapsed().as_secs() * PER_MINUTE / 60 + 1;
    let_through < 2 * PER_MINUTE && let_through <= PER_MINUTE + refilled
}

async fn cache(shop: &TestShop) -> (Value, Value) {
    let health = shop.send(shop.request(Method::GET, "/health")).await;
    let health = health.expect(200);
    (health["status"].clone(), health["cache"].clone())
}

#[tokio::test]
async fn replicas_count_together_and_each_alone_while_redis_is_away() {
    let databases = TestDatabases::create().await;
    let mut redis = Redis::start().await;
    let setting = format!("redis.url={}", redis.url());
    let (one, two) = (
        replica(&databases, &setting).await,
        replica(&databases, &setting).await,
    );
    let (status, found) = cache(&one).await;
    assert_eq!(
        (&status, &found["mode"]),
        (&json!("healthy"), &json!("redis"))
    );
    assert_eq!(found["status"], "healthy");
    assert!(found["latency_ms"].is_f64(), "{found}");
    assert!(is_shared([&one, &two], "192.0.2.1", "ada").await);
    // Somebody else elsewhere is not counted with them.
    assert_eq!(guess(&one, "192.0.2.2", "ada").await, 401);
    assert_eq!(guess(&two, "192.0.2.1", "bob").await, 401);
    for (key, seconds) in redis.keys().await {
        assert!((1..=60).contains(&seconds), "{key} stays {seconds} s");
        for secret in ["ada", "bob", "example", "192.0"] {
            assert!(!key.contains(secret), "{key}");
        }
    }

    redis.kill();
    for shop in [&one, &two] {
        let mut let_through = 0;
        for _ in 0..2 * PER_MINUTE {
            let_through += u64::from(guess(shop, "192.0.2.3", "cy").await != 429);
        }
        assert!(
            (PER_MINUTE..2 * PER_MINUTE).contains(&let_through),
            "{let_through}"
        );
    }
    eventually("the loss is seen", async || {
        let (status, found) = cache(&one).await;
        status == "degraded" && found["status"] == "unhealthy" && found["error"].is_string()
    })
    .await;
    let ready = one.send(one.request(Method::GET, "/health/ready")).await;
    assert_eq!(ready.status, 200, "the shop goes on without it");

    redis.revive().await;
    eventually("the return is seen", async || {
        let (status, found) = cache(&one).await;
        status == "healthy" && found["status"] == "healthy"
    })
    .await;
    let rounds = std::sync::atomic::AtomicU32::new(0);
    eventually("they count together again", async || {
        let round = rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let address = format!("198.51.100.{round}");
        is_shared([&one, &two], &address, "dee").await
    })
    .await;
    one.close().await;
    two.close().await;
}

/// A module may have a Redis of its own, and one that was never there is no obstacle.
#[tokio::test]
async fn a_shop_starts_and_sells_without_the_redis_it_should_have() {
    let databases = TestDatabases::create().await;
    // Nobody listens at port 1.
    let shop = replica(&databases, "modules.users.redis_url=redis://127.0.0.1:1/").await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 100, 1).await;
    shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    let (status, found) = cache(&shop).await;
    assert_eq!(
        (&status, &found["status"]),
        (&json!("degraded"), &json!("unhealthy"))
    );
    shop.close().await;
}
