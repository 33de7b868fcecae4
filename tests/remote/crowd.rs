//! A thousand who want something of a peer that has fallen silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::node::{balanced, reservations};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::eventually;

const CROWD: usize = 1000;
const IN_FLIGHT: usize = 100;
const DEADLINE: Duration = Duration::from_secs(30);

fn quantiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

async fn ask(split: Arc<Split>) -> (Value, Duration) {
    let start = Instant::now();
    let answer = split.front.get(&split.product_path()).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    (answer.expect(503)["code"].take(), start.elapsed())
}

/// What goes on meanwhile: as long as the peer is silent, everybody is answered.
async fn others(split: Arc<Split>, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for path in ["/orders", "/auth/me", "/users/me/addresses/x"] {
            let start = Instant::now();
            let answer = split.front.get_as(&split.buyer, path).await;
            answer.expect(if path.ends_with('x') { 404 } else { 200 });
            took.push(start.elapsed());
        }
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_takes_nobody_else_with_it() {
    let set = [
        "modules.products.max_in_flight=100",
        "modules.products.circuit_failures=10000",
        "server.request_deadline_ms=30000",
    ];
    let split = Arc::new(Split::without("products", &set).await);
    split
        .front
        .order(&split.buyer, &split.product, 1)
        .await
        .expect(201);
    // Its event is no part of the crowd.
    balanced(&split.databases).await;
    split.proxy.set(Mode::Hang);

    let over = Arc::new(AtomicBool::new(false));
    let others = tokio::spawn(others(Arc::clone(&split), Arc::clone(&over)));
    let spawn = |_| tokio::spawn(ask(Arc::clone(&split)));
    let waiting: Vec<_> = (0..IN_FLIGHT).map(spawn).collect();
    eventually("as many wait as may", async || {
        split.front.topology("products").await["in_flight"] == IN_FLIGHT
    })
    .await;
    let crowd: Vec<_> = (IN_FLIGHT..CROWD).map(spawn).collect();
    let mut refused = Vec::new();
    for one in crowd {
        let (code, took) = one.await.unwrap();
        assert_eq!(code, "unavailable");
        refused.push(took);
    }
    // They were refused while the others waited.
    assert_eq!(
        split.front.topology("products").await["in_flight"],
        IN_FLIGHT
    );
    over.store(true, Ordering::Relaxed);
    let others = others.await.unwrap();

    println!(
        "others: {} answers, p50 and p99 {:?}",
        others.len(),
        quantiles(others.clone())
    );
    println!(
        "refused: {}, p50 and p99 {:?}",
        refused.len(),
        quantiles(refused.clone())
    );
    assert!(quantiles(others).1 < DEADLINE / 2);
    for one in waiting {
        assert_eq!(one.await.unwrap().0, "deadline_exceeded");
    }
    assert_eq!(split.front.topology("products").await["in_flight"], 0);
    split.proxy.set(Mode::Pass);
    split.front.get(&split.product_path()).await.expect(200);
    Arc::into_inner(split).unwrap().close().await;
}

/// Calls have a bulkhead of their own, and what is refused by it leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn orders_beyond_what_may_wait_are_refused_at_once() {
    let set = [
        "modules.products.max_in_flight=5",
        "modules.products.circuit_failures=10000",
        "modules.products.call_timeout_ms=8000",
        "server.request_deadline_ms=10000",
    ];
    let split = Arc::new(Split::without("products", &set).await);
    split
        .front
        .order(&split.buyer, &split.product, 1)
        .await
        .expect(201);
    balanced(&split.databases).await;
    split.proxy.set(Mode::Hang);
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let split = Arc::clone(&split);
            tokio::spawn(async move { split.front.order(&split.buyer, &split.product, 1).await })
        })
        .collect();
    let (mut refused, mut waited) = (0, 0);
    for one in crowd {
        let answer = one.await.unwrap();
        assert_eq!(answer.header("retry-after"), Some("1"));
        match answer.expect(503)["code"].as_str() {
            Some("unavailable") => refused += 1,
            Some("deadline_exceeded") => waited += 1,
            code => panic!("{code:?}"),
        }
    }
    assert_eq!((refused, waited), (95, 5));
    split.proxy.set(Mode::Pass);
    eventually("products are back", async || {
        split
            .front
            .order(&split.buyer, &split.product, 1)
            .await
            .status
            == 201
    })
    .await;
    balanced(&split.databases).await;
    assert_eq!(split.front.orders(&split.buyer).await.len(), 2);
    assert_eq!(reservations(&split.databases).await, 2);
    Arc::into_inner(split).unwrap().close().await;
}
