//! Every dial is turned, round and round, while customers go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::node::{Node, User, balanced, id_of, product, reservations};
use crate::split::Split;
use crate::support::eventually;

const BUYERS: usize = 4;
const ROUNDS: usize = 5;

struct Run {
    split: Split,
    over: AtomicBool,
    requests: AtomicUsize,
}

impl Run {
    fn front(&self) -> &Node {
        &self.split.front
    }

    fn goes_on(&self) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        !self.over.load(Ordering::Relaxed)
    }
}

/// Tells the ids of the orders, from the first.
async fn buy(run: Arc<Run>, buyer: User) -> Vec<String> {
    let mut placed = Vec::new();
    while run.goes_on() {
        let order = run
            .front()
            .order(&buyer, &run.split.product, 1)
            .await
            .expect(201);
        let path = format!("/orders/{}", id_of(&order));
        run.front().get_as(&buyer, &path).await.expect(200);
        placed.push(id_of(&order));
    }
    placed
}

async fn read(run: Arc<Run>) {
    while run.goes_on() {
        let path = run.split.product_path();
        let product = run.front().get(&path).await.expect(200);
        assert_eq!(product["sku"], "TEA");
        run.front().get("/products?limit=3").await.expect(200);
    }
}

async fn write(run: Arc<Run>) {
    let mut number = 0;
    while run.goes_on() {
        let body = product(&format!("SKU-{number}"), 1);
        run.front()
            .post_as(&run.split.admin, "/products", &body)
            .await
            .expect(201);
        number += 1;
    }
}

async fn sign_in(run: Arc<Run>) {
    while run.goes_on() {
        run.front().login(&run.split.buyer).await.expect(200);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn steps() -> [Value; 4] {
    [
        json!({"step": "shadow", "percent": 50}),
        json!({"step": "canary", "percent": 50}),
        json!({"step": "remote"}),
        json!({"step": "local"}),
    ]
}

/// On a busy machine the peer may be too slow to say that it is ready; then the dial stays.
async fn turn(front: &Node, module: &str, step: &Value) {
    eventually("the dial turns", async || {
        let turned = front.turn(module, step.clone()).await;
        match turned.status.as_u16() {
            200 => assert_eq!(turned.json["step"], step["step"]),
            _ => drop(turned.expect_problem(409, "peer_not_ready")),
        }
        front.topology(module).await["step"] == step["step"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_the_dials_loses_nothing() {
    let split = Split::hosted(&[]).await;
    let run = Arc::new(Run {
        split,
        over: AtomicBool::new(false),
        requests: AtomicUsize::new(0),
    });
    let mut buying = Vec::new();
    for number in 0..BUYERS {
        let buyer = run.front().customer(&format!("buyer{number}")).await;
        let task = tokio::spawn(buy(Arc::clone(&run), buyer.clone()));
        buying.push((buyer, task));
    }
    let others = [
        tokio::spawn(read(Arc::clone(&run))),
        tokio::spawn(read(Arc::clone(&run))),
        tokio::spawn(write(Arc::clone(&run))),
        tokio::spawn(sign_in(Arc::clone(&run))),
    ];

    let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for step in steps() {
            for module in ["users", "products", "orders"] {
                turn(run.front(), module, &step).await;
                *turns.entry(module).or_default() += 1;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
    }
    run.over.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
    let mut all = 0;
    for (buyer, task) in buying {
        let mut placed = task.await.unwrap();
        all += placed.len();
        placed.reverse();
        assert_eq!(run.front().orders(&buyer).await, placed);
    }
    assert!(
        turns.values().all(|turns| *turns == 4 * ROUNDS),
        "{turns:?}"
    );
    balanced(&run.split.databases).await;
    assert_eq!(
        reservations(&run.split.databases).await,
        i64::try_from(all).unwrap()
    );
    let requests = run.requests.load(Ordering::Relaxed);
    println!("{turns:?} turns, {all} orders, {requests} rounds of requests");
    for module in ["users", "products", "orders"] {
        let topology = run.front().topology(module).await;
        assert_eq!(topology["circuit"], "closed", "{topology}");
        assert_eq!(topology["in_flight"], 0, "{topology}");
        println!("{module}: {}", topology["latency"]);
    }
    Arc::into_inner(run).unwrap().split.close().await;
}
