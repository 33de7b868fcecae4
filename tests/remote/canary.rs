//! Some of the traffic goes to the peer, and comes back when there is none.

use serde_json::{Value, json};

use crate::node::{balanced, product, reservations};
use crate::proxy::Mode;
use crate::split::Split;

#[tokio::test]
async fn thirty_of_a_hundred_reads_go_to_the_peer() {
    let split = Split::hosted(&[]).await;
    let front = &split.front;
    front
        .turn("products", json!({"step": "canary", "percent": 30}))
        .await
        .expect(200);
    let before = front.topology("products").await["latency"]["requests"].take();
    let seen = split.proxy.seen("GET /api/v1/products/");
    for _ in 0..100 {
        front.get(&split.product_path()).await.expect(200);
    }
    let after = front.topology("products").await["latency"]["requests"].take();
    let count = |of: &Value, side: &str| of[side]["count"].as_u64().unwrap();
    assert_eq!(count(&after, "remote") - count(&before, "remote"), 30);
    assert_eq!(count(&after, "local") - count(&before, "local"), 70);
    assert_eq!(split.proxy.seen("GET /api/v1/products/") - seen, 30);
    assert!(
        after["remote"]["p99_ms"]
            .as_f64()
            .is_some_and(|ms| ms > 0.0),
        "{after}"
    );
    split.close().await;
}

#[tokio::test]
async fn a_peer_that_dies_costs_no_request() {
    let split = Split::hosted(&[]).await;
    let front = &split.front;
    let turn = json!({"step": "canary", "percent": 50});
    for module in ["users", "products", "orders"] {
        front.turn(module, turn.clone()).await.expect(200);
    }
    let mut number = 0;
    for (mode, times) in [(Mode::Pass, 4), (Mode::Refuse, 12), (Mode::Pass, 4)] {
        split.proxy.set(mode);
        for _ in 0..times {
            number += 1;
            front.get(&split.product_path()).await.expect(200);
            front.get_as(&split.buyer, "/orders").await.expect(200);
            let body = product(&format!("SKU-{number}"), 1);
            front
                .post_as(&split.admin, "/products", &body)
                .await
                .expect(201);
            front
                .order(&split.buyer, &split.product, 1)
                .await
                .expect(201);
            front.login(&split.buyer).await.expect(200);
        }
    }
    balanced(&split.databases).await;
    assert_eq!(front.orders(&split.buyer).await.len(), number);
    let orders = i64::try_from(number).unwrap();
    assert_eq!(reservations(&split.databases).await, orders);
    split.close().await;
}

/// Reads, and port calls that may be repeated, come back whatever became of them there: the peer's
/// copy works on the same database.
#[tokio::test]
async fn a_peer_that_answers_nonsense_costs_no_read_and_no_order() {
    let split = Split::hosted(&[
        "modules.products.circuit_failures=10000",
        "modules.products.call_timeout_ms=300",
    ])
    .await;
    let front = &split.front;
    front
        .turn("products", json!({"step": "canary", "percent": 100}))
        .await
        .expect(200);
    for mode in [
        Mode::Garbage,
        Mode::Reset,
        Mode::ResetAfter(0),
        Mode::Truncate(20),
    ] {
        split.proxy.set(mode);
        front.get(&split.product_path()).await.expect(200);
        front
            .order(&split.buyer, &split.product, 1)
            .await
            .expect(201);
    }
    split.proxy.set(Mode::Hang);
    front
        .order(&split.buyer, &split.product, 1)
        .await
        .expect(201);
    split.proxy.set(Mode::Pass);
    balanced(&split.databases).await;
    assert_eq!(reservations(&split.databases).await, 5);
    split.close().await;
}

/// The operator has seen that the peer is back before the circuit has.
#[tokio::test]
async fn after_a_turn_nobody_is_refused_for_what_was_before() {
    let split = Split::hosted(&["modules.products.circuit_open_ms=3600000"]).await;
    let front = &split.front;
    let canary = json!({"step": "canary", "percent": 100});
    front.turn("products", canary).await.expect(200);
    split.proxy.set(Mode::Refuse);
    for _ in 0..6 {
        front.get(&split.product_path()).await.expect(200);
    }
    assert_eq!(front.topology("products").await["circuit"], "open");
    split.proxy.set(Mode::Pass);
    let turned = front.turn("products", json!({"step": "remote"})).await;
    assert_eq!(turned.expect(200)["circuit"], "closed");
    front.get(&split.product_path()).await.expect(200);
    split.close().await;
}
