//! What load balancers and operators see, and how the shop bears the loss of a database.

mod loss;
mod outages;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, TestShop};

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
