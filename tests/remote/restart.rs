//! A peer that is restarted while customers buy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::node::{Node, User, balanced, id_of};
use crate::support::TestDatabases;

const BUYERS: usize = 6;
const RESTARTS: usize = 3;

/// Buys until told to stop, trying each order again until it stands; tells the ids.
async fn buy(front: Arc<Node>, buyer: User, product: String, over: Arc<AtomicBool>) -> Vec<String> {
    let mut placed = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let key = format!("order-{}", placed.len());
        loop {
            let answer = front.order_with_key(&buyer, &key, &product).await;
            match answer.status.as_u16() {
                200 | 201 => {
                    placed.push(id_of(&answer.json));
                    break;
                }
                503 => {
                    assert_eq!(answer.header("retry-after"), Some("1"));
                    let code = answer.json["code"].as_str();
                    assert!(
                        matches!(code, Some("unavailable" | "deadline_exceeded")),
                        "{code:?}"
                    );
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => panic!("{}", answer.text),
            }
        }
        let read = front.get(&format!("/products/{product}")).await;
        assert!([200, 503].contains(&read.status.as_u16()), "{}", read.text);
    }
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_restarts_under_load() {
    let databases = TestDatabases::create().await;
    let service = Node::start(&databases, &["modules.orders.mode=off"]).await;
    let private = format!("server.private={}", service.private_address);
    let url = format!("modules.products.url={}", service.private_url());
    let set = [
        "modules.products.mode=remote",
        "modules.products.circuit_open_ms=200",
        &url,
    ];
    let front = Arc::new(Node::start(&databases, &set).await);
    let admin = service.admin().await;
    let product = service.product(&admin, "TEA", 1_000_000).await;

    let over = Arc::new(AtomicBool::new(false));
    let mut buying = Vec::new();
    for number in 0..BUYERS {
        let buyer = service.customer(&format!("buyer{number}")).await;
        let task = buy(
            Arc::clone(&front),
            buyer.clone(),
            product.clone(),
            Arc::clone(&over),
        );
        buying.push((buyer, tokio::spawn(task)));
    }
    let mut service = service;
    for _ in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(300)).await;
        service.close().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        service = Node::start(&databases, &["modules.orders.mode=off", &private]).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    over.store(true, Ordering::Relaxed);

    let mut all = 0;
    for (buyer, task) in buying {
        let mut placed = task.await.unwrap();
        assert!(!placed.is_empty());
        all += placed.len();
        // The list is from the newest; every order is there, and none twice.
        placed.reverse();
        assert_eq!(front.orders(&buyer).await, placed);
    }
    println!("{all} orders over {RESTARTS} restarts");
    balanced(&databases).await;
    Arc::into_inner(front).unwrap().close().await;
    service.close().await;
}
