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

/// `module` is at the peer only; `of_peer` says what else the peer has.
async fn restart_under_load(module: &str, of_peer: &[&str]) {
    let databases = TestDatabases::create().await;
    let mut service = Node::start(&databases, of_peer).await;
    let private = format!("server.private={}", service.private_address);
    let again: Vec<&str> = of_peer.iter().copied().chain([private.as_str()]).collect();
    let mode = format!("modules.{module}.mode=remote");
    let url = format!("modules.{module}.url={}", service.private_url());
    let open = format!("modules.{module}.circuit_open_ms=200");
    let front = Arc::new(Node::start(&databases, &[&mode, &url, &open]).await);
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
    for _ in 0..RESTARTS {
        tokio::time::sleep(Duration::from_millis(500)).await;
        service.close().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        service = Node::start(&databases, &again).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn products_restart_under_load() {
    restart_under_load("products", &["modules.orders.mode=off"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_restart_under_load() {
    restart_under_load("orders", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_restart_under_load() {
    restart_under_load("users", &["modules.orders.mode=off"]).await;
}
