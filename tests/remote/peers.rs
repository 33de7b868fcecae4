//! Two processes, each the other's peer.

use crate::node::{Node, balanced};
use crate::split::Split;
use crate::support::{Outage, TestDatabases, eventually, free_address};
use cleave::settings::Module;
use serde_json::json;

/// Each asks the other whether it is well, at the same time.
#[tokio::test]
async fn two_that_need_each_other_are_healthy() {
    let databases = TestDatabases::create().await;
    let address = free_address();
    let private = format!("server.private={address}");
    let users = format!("modules.users.url=http://{address}");
    let service = Node::start(
        &databases,
        &[
            "modules.orders.mode=off",
            "modules.users.mode=remote",
            &users,
        ],
    )
    .await;
    let products = format!("modules.products.url={}", service.private_url());
    let front = Node::start(
        &databases,
        &["modules.products.mode=remote", &products, &private],
    )
    .await;
    let admin = front.admin().await;
    let product = front.product(&admin, "TEA", 10).await;
    let buyer = front.customer("buyer").await;
    front.order(&buyer, &product, 2).await.expect(201);
    balanced(&databases).await;

    for _ in 0..3 {
        let (ours, theirs) = tokio::join!(front.health("/health"), service.health("/health"));
        for health in [ours.expect(200), theirs.expect(200)] {
            assert_eq!(health["status"], "healthy", "{health}");
            // Of each module, also of that which is at the other's.
            for (name, module) in health["modules"].as_object().unwrap() {
                let database = &module["database"];
                assert_eq!(database["status"], "healthy", "{name}: {health}");
                assert!(database["latency_ms"].is_number(), "{name}: {health}");
                assert!(module["dependencies"].is_object(), "{name}: {health}");
            }
        }
        // Longer than a look at health is kept.
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    }
    front.close().await;
    service.close().await;
}

#[tokio::test]
async fn a_module_elsewhere_is_as_its_peer_says() {
    let split = Split::without("orders", &[]).await;
    let front = &split.front;
    let orders = front.health("/health/orders").await.expect(200);
    assert_eq!(orders["mode"], "remote");
    assert_eq!(orders["database"]["status"], "healthy");
    for needed in ["users", "products"] {
        let needed = &orders["dependencies"][needed];
        assert_eq!(needed["status"], "healthy", "{orders}");
        assert_eq!(needed["circuit"], "closed", "{orders}");
    }
    let outage = Outage::of(Module::Orders, &split.databases).await;
    eventually("orders are missed", async || {
        let orders = front.health("/health/orders").await;
        orders.status == 503 && orders.json["database"]["status"] == "unhealthy"
    })
    .await;
    let orders = front.health("/health/orders").await;
    assert!(orders.header("retry-after").is_some());
    assert!(orders.json["database"]["error"].is_string());
    outage.end().await;
    split.close().await;
}

#[tokio::test]
async fn a_peer_may_have_lost_another_module_than_ours() {
    let split = Split::hosted(&[]).await;
    let front = &split.front;
    front
        .turn("products", json!({"step": "remote"}))
        .await
        .expect(200);
    let outage = Outage::of(Module::Users, &split.databases).await;
    eventually("users are missed", async || {
        split.service.health("/health/ready").await.status == 503
    })
    .await;
    for _ in 0..3 {
        let products = front.health("/health/products").await.expect(200);
        assert_eq!(products["status"], "healthy", "{products}");
        front
            .turn("products", json!({"step": "local"}))
            .await
            .expect(200);
        front
            .turn("products", json!({"step": "remote"}))
            .await
            .expect(200);
        front.get(&split.product_path()).await.expect(200);
    }
    let turned = front.turn("users", json!({"step": "remote"})).await;
    turned.expect_problem(409, "peer_not_ready");
    outage.end().await;
    split.close().await;
}
