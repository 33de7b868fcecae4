//! Who holds a row that two relays have had in their hands.

use std::sync::Arc;

use async_trait::async_trait;
use platform::outbox::{Deliver, Delivery, Undelivered};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::Bench;
use crate::support::eventually;

/// Answers when the test says so.
struct Slow {
    asked: Semaphore,
    may_answer: Semaphore,
    answer: Result<(), Undelivered>,
}

impl Slow {
    fn new(answer: Result<(), Undelivered>) -> Arc<Self> {
        Arc::new(Self {
            asked: Semaphore::new(0),
            may_answer: Semaphore::new(0),
            answer,
        })
    }
}

#[async_trait]
impl Deliver for Slow {
    async fn deliver(&self, _: &Delivery) -> Result<(), Undelivered> {
        self.asked.add_permits(1);
        self.may_answer.acquire().await.unwrap().forget();
        self.answer.clone()
    }
}

async fn late(answer: Result<(), Undelivered>) {
    let bench = Bench::new().await;
    bench.write("products", &[Uuid::now_v7()]).await;
    let (first, second) = (Slow::new(answer), Slow::new(Ok(())));
    let one = bench.relay(vec![("products", first.clone())]);
    first.asked.acquire().await.unwrap().forget();
    // As if it had been stopped for longer than its lease.
    bench.run("update outbox set due_at = now()").await;
    let two = bench.relay(vec![("products", second.clone())]);
    second.asked.acquire().await.unwrap().forget();

    first.may_answer.add_permits(1);
    bench.stop.cancel();
    one.await.unwrap();
    let untouched = "select count(*) from outbox
        where attempts = 0 and last_error is null and due_at > now() + interval '5 seconds'";
    assert_eq!(bench.count(untouched).await, 1, "the second one's lease");
    second.may_answer.add_permits(1);
    two.await.unwrap();
    assert_eq!(bench.count("select count(*) from outbox").await, 0);
}

#[tokio::test]
async fn a_late_success_leaves_the_row_to_its_new_holder() {
    late(Ok(())).await;
}

#[tokio::test]
async fn a_late_failure_leaves_the_row_to_its_new_holder() {
    late(Err(Undelivered::Failed("too late".to_owned()))).await;
}

#[tokio::test]
async fn a_delivery_under_way_ends_before_the_relay_does() {
    let bench = Bench::new().await;
    bench.write("products", &[Uuid::now_v7()]).await;
    let slow = Slow::new(Ok(()));
    let relay = bench.relay(vec![("products", slow.clone())]);
    slow.asked.acquire().await.unwrap().forget();
    bench.stop.cancel();
    bench.write("products", &[Uuid::now_v7()]).await;
    slow.may_answer.add_permits(1);
    relay.await.unwrap();
    eventually("what came later waits", async || {
        bench.count("select count(*) from outbox").await == 1
    })
    .await;
}
