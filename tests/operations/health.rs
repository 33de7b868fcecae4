//! What load balancers and operators see of one process, and of its databases.

use cleave::settings::Module;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, CLOSED, TestShop, eventually, lose};

async fn get(shop: &TestShop, path: &str) -> Answer {
    shop.send(shop.request(Method::GET, path)).await
}

fn is_latency(value: &Value) -> bool {
    value
        .as_f64()
        .is_some_and(|ms| (0.0..60_000.0).contains(&ms))
}

#[tokio::test]
async fn a_healthy_process_says_so_in_full() {
    let shop = TestShop::open().await;
    let answer = get(&shop, "/health").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let health = answer.expect(200);
    assert_eq!(health["service"], "cleave");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(health["status"], "healthy");
    assert!(health["cache"]["status"].is_string());
    for module in Module::ALL {
        let of_process = &health["modules"][module.name()];
        assert_eq!(of_process["mode"], "local");
        let health = get(&shop, &format!("/health/{module}")).await.expect(200);
        for health in [of_process, &health] {
            assert_eq!(health["service"], module.name());
            assert_eq!(health["status"], "healthy");
            assert_eq!(health["database"]["status"], "healthy");
            assert!(is_latency(&health["database"]["latency_ms"]));
            assert_eq!(health["database"].get("error"), None);
        }
    }
    let products = &health["modules"]["orders"]["dependencies"]["products"];
    assert_eq!(products["status"], "healthy");
    assert_eq!(products["circuit"], "closed");
    assert!(is_latency(&products["latency_ms"]));
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(&shop, path).await.expect(200)["status"], "healthy");
    }
    get(&shop, "/health/payments")
        .await
        .expect_problem(404, "not_found");
    shop.close().await;
}

#[tokio::test]
async fn a_lost_database_is_named_and_found_again() {
    let shop = TestShop::open().await;
    let lost = lose(&shop, Module::Products, CLOSED).await;
    // A look at the databases is good for a moment.
    eventually("the loss is noticed", async || {
        get(&shop, "/health").await.json["status"] == "degraded"
    })
    .await;
    let health = get(&shop, "/health").await.expect(200);
    let modules = &health["modules"];
    assert_eq!(modules["users"]["status"], "healthy");
    assert_eq!(modules["orders"]["status"], "degraded");
    assert_eq!(modules["orders"]["database"]["status"], "healthy");
    let needed = &modules["orders"]["dependencies"]["products"];
    assert_eq!(needed["status"], "unhealthy");
    let database = &modules["products"]["database"];
    assert_eq!(database["status"], "unhealthy");
    assert_eq!(database["error"], "unavailable");

    let products = get(&shop, "/health/products").await.expect(503);
    assert_eq!(products["status"], "unhealthy");
    get(&shop, "/health/orders").await.expect(200);
    get(&shop, "/health/users").await.expect(200);
    get(&shop, "/health/live").await.expect(200);
    let ready = get(&shop, "/health/ready").await;
    assert!(ready.header("retry-after").is_some());
    ready.expect_problem(503, "not_ready");

    lost.give_back().await;
    eventually("the process is healthy again", async || {
        get(&shop, "/health").await.json["status"] == "healthy"
            && get(&shop, "/health/ready").await.status == 200
    })
    .await;
    shop.close().await;
}

#[tokio::test]
async fn a_process_without_any_database_is_unhealthy() {
    let shop = TestShop::open().await;
    for module in Module::ALL {
        lose(&shop, module, CLOSED).await;
    }
    eventually("the loss is noticed", async || {
        get(&shop, "/health").await.status == 503
    })
    .await;
    let health = get(&shop, "/health").await.expect(503);
    assert_eq!(health["status"], "unhealthy");
    get(&shop, "/health/live").await.expect(200);
    shop.close().await;
}
