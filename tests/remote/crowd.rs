//! A thousand who want something of a peer that has fallen silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::proxy::Mode;
use crate::split::Split;

const CROWD: usize = 1000;
const IN_FLIGHT: usize = 100;
const DEADLINE: Duration = Duration::from_secs(4);

fn quantiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_takes_nobody_else_with_it() {
    let set = [
        "modules.products.max_in_flight=100",
        "modules.products.circuit_failures=10000",
        "server.request_deadline_ms=4000",
    ];
    let split = Arc::new(Split::without("products", &set).await);
    split.front.order(&split.buyer, &split.product, 1).await.expect(201);
    split.proxy.set(Mode::Hang);

    let over = Arc::new(AtomicBool::new(false));
    let others = {
        let (split, over) = (Arc::clone(&split), Arc::clone(&over));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while !over.load(Ordering::Relaxed) {
                for path in ["/orders", "/auth/me", "/users/me/nothing"] {
                    let start = Instant::now();
                    let answer = split.front.get_as(&split.buyer, path).await;
                    let expected = if path.ends_with("nothing") { 404 } else { 200 };
                    answer.expect(expected);
                    took.push(start.elapsed());
                }
            }
            took
        })
    };
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let split = Arc::clone(&split);
            tokio::spawn(async move {
                let start = Instant::now();
                let answer = split.front.get(&split.product_path()).await;
                assert_eq!(answer.header("retry-after"), Some("1"));
                (answer.expect(503)["code"].take(), start.elapsed())
            })
        })
        .collect();
    let (mut waited, mut refused) = (Vec::new(), Vec::new());
    for one in crowd {
        match one.await.unwrap() {
            (code, took) if code == "deadline_exceeded" => waited.push(took),
            (_, took) => refused.push(took),
        }
    }
    over.store(true, Ordering::Relaxed);
    let others = others.await.unwrap();

    println!("others: {} answers, p50 and p99 {:?}", others.len(), quantiles(others.clone()));
    println!("refused: {}, p50 and p99 {:?}", refused.len(), quantiles(refused.clone()));
    println!("waited: {}, p50 and p99 {:?}", waited.len(), quantiles(waited.clone()));
    assert_eq!(waited.len(), IN_FLIGHT);
    assert_eq!(refused.len(), CROWD - IN_FLIGHT);
    // Long before those who waited.
    assert!(quantiles(refused).1 < DEADLINE / 2);
    assert!(quantiles(others).1 < DEADLINE / 2);
    assert_eq!(split.front.topology("products").await["in_flight"], 0);

    split.proxy.set(Mode::Pass);
    split.front.get(&split.product_path()).await.expect(200);
    Arc::into_inner(split).unwrap().close().await;
}
