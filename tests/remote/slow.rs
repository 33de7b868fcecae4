//! A peer that takes too long, and the circuit that spares it and us.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::node::{Node, balanced};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::eventually;

const DEADLINE: Duration = Duration::from_secs(5);
/// Of a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(2);

async fn circuit(front: &Node) -> Value {
    front.topology("products").await["circuit"].take()
}

#[tokio::test]
async fn a_silent_peer_opens_the_circuit_which_closes_by_itself() {
    let set = [
        "modules.products.circuit_failures=3",
        "modules.products.circuit_open_ms=1500",
    ];
    let split = Split::without("products", &set).await;
    let front = &split.front;
    front.get(&split.product_path()).await.expect(200);
    assert_eq!(circuit(front).await, "closed");
    split.proxy.set(Mode::Hang).await;

    let start = Instant::now();
    let answer = front.order(&split.buyer, &split.product, 1).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.expect_problem(503, "unavailable");
    assert!(start.elapsed() < DEADLINE + SLACK, "{:?}", start.elapsed());
    assert_eq!(circuit(front).await, "open");
    let health = front.health("/health/orders").await.expect(200);
    let needed = &health["dependencies"]["products"];
    assert_eq!(needed["circuit"], "open", "{health}");
    assert_eq!(needed["status"], "unhealthy", "{health}");

    // Nobody waits for a circuit that is open. It may have let one try meanwhile.
    let mut shortest = DEADLINE;
    for _ in 0..3 {
        let start = Instant::now();
        let answer = front.get(&split.product_path()).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.expect(503);
        shortest = shortest.min(start.elapsed());
    }
    assert!(shortest < Duration::from_millis(300), "{shortest:?}");

    split.proxy.set(Mode::Pass).await;
    eventually("the circuit is closed", async || {
        front.get(&split.product_path()).await;
        circuit(front).await == "closed"
    })
    .await;
    front
        .order(&split.buyer, &split.product, 1)
        .await
        .expect(201);
    balanced(&split.databases).await;
    split.close().await;
}

#[tokio::test]
async fn a_forwarded_request_ends_with_its_deadline() {
    let split = Split::without("products", &["modules.products.circuit_failures=2"]).await;
    let front = &split.front;
    split.proxy.set(Mode::Hang).await;
    let start = Instant::now();
    for _ in 0..2 {
        let answer = front.get(&split.product_path()).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.expect_problem(503, "deadline_exceeded");
    }
    assert!(
        start.elapsed() < DEADLINE * 2 + SLACK,
        "{:?}",
        start.elapsed()
    );
    assert_eq!(circuit(front).await, "open");
    assert_eq!(front.topology("products").await["in_flight"], 0);
    split.close().await;
}

/// As long as it answers in time, a slow peer is a good peer.
#[tokio::test]
async fn a_peer_that_takes_its_time_is_waited_for() {
    let split = Split::without("products", &["modules.products.call_timeout_ms=2000"]).await;
    split
        .proxy
        .set(Mode::Delay(Duration::from_millis(300)))
        .await;
    for _ in 0..3 {
        split.front.get(&split.product_path()).await.expect(200);
        split
            .front
            .order(&split.buyer, &split.product, 1)
            .await
            .expect(201);
    }
    assert_eq!(circuit(&split.front).await, "closed");
    balanced(&split.databases).await;
    split.close().await;
}
