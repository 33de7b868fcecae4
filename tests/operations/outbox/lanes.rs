//! What waits costs nobody else anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use platform::outbox::{Deliver, Delivery, Undelivered};
use uuid::Uuid;

use super::Bench;
use crate::support::eventually;

/// Writes down the numbers that come.
#[derive(Default)]
struct Listener(Mutex<Vec<i64>>);

impl Listener {
    fn heard(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Deliver for Listener {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let number = delivery.event.as_i64().unwrap();
        self.0.lock().unwrap().push(number);
        Ok(())
    }
}

/// Cannot be reached.
#[derive(Default)]
struct Away(AtomicUsize);

#[async_trait]
impl Deliver for Away {
    async fn deliver(&self, _: &Delivery) -> Result<(), Undelivered> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(Undelivered::Unavailable)
    }
}

/// Takes a delivery and never answers.
struct Hanging;

#[async_trait]
impl Deliver for Hanging {
    async fn deliver(&self, _: &Delivery) -> Result<(), Undelivered> {
        std::future::pending().await
    }
}

/// Never answers for one aggregate.
struct HangsFor(Uuid, Listener);

#[async_trait]
impl Deliver for HangsFor {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        if delivery.aggregate_id == self.0 {
            std::future::pending::<()>().await;
        }
        self.1.deliver(delivery).await
    }
}

struct Panics;

#[async_trait]
impl Deliver for Panics {
    async fn deliver(&self, _: &Delivery) -> Result<(), Undelivered> {
        panic!("a bug");
    }
}

fn aggregates(number: usize) -> Vec<Uuid> {
    (0..number).map(|_| Uuid::now_v7()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_or_hangs_or_panics_delays_nobody_else() {
    let bench = Bench::new().await;
    for subscriber in ["away", "hanging", "panics", "nobody", "products"] {
        bench.write(subscriber, &aggregates(600)).await;
    }
    let (away, products) = (Arc::new(Away::default()), Arc::new(Listener::default()));
    let relay = bench.relay(vec![
        ("away", away.clone()),
        ("hanging", Arc::new(Hanging)),
        ("panics", Arc::new(Panics)),
        ("products", products.clone()),
    ]);
    eventually("products has heard everything", async || {
        products.heard().len() == 600
    })
    .await;
    let asked = away.0.load(Ordering::Relaxed);
    assert!((1..200).contains(&asked), "{asked} of 600 were tried");
    relay.abort();
    let attempts = "select coalesce(sum(attempts), 0)::bigint from outbox";
    assert_eq!(
        bench.count(attempts).await,
        0,
        "nothing was held against them"
    );
    let waiting = "select count(*) from outbox where subscriber <> 'products'";
    assert_eq!(bench.count(waiting).await, 2400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_hangs_delays_its_own_aggregate_only() {
    let bench = Bench::new().await;
    let stuck = Uuid::now_v7();
    bench.write("products", &[stuck, stuck]).await;
    let products = Arc::new(HangsFor(stuck, Listener::default()));
    let relay = bench.relay(vec![("products", products.clone())]);
    // More than one claim takes, and each round after the one before it.
    for round in 1..=3 {
        bench.write("products", &aggregates(200)).await;
        eventually("the others are heard", async || {
            products.1.heard().len() == round * 200
        })
        .await;
    }
    let left = "select count(*) from outbox";
    eventually("theirs are gone", async || bench.count(left).await == 2).await;
    let attempts = "select coalesce(sum(attempts), 0)::bigint from outbox";
    assert_eq!(
        bench.count(attempts).await,
        0,
        "it is under way all the time"
    );
    relay.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_parked_event_is_out_of_the_way_and_comes_in_order() {
    let bench = Bench::new().await;
    let blocked = Uuid::now_v7();
    bench.write("products", &vec![blocked; 500]).await;
    bench
        .run(
            "update outbox set created_at = now() - interval '1 day';
             update outbox set parked_at = now(), attempts = 5 where event = '1'",
        )
        .await;
    bench.write("products", &aggregates(3)).await;
    let products = Arc::new(Listener::default());
    let relay = bench.relay(vec![("products", products.clone())]);
    let due = "select count(*) from outbox where parked_at is null and due_at <= now()";
    eventually("nothing is due", async || bench.count(due).await == 0).await;
    let mut heard = products.heard();
    heard.sort_unstable();
    assert_eq!(heard, [1, 2, 3], "those of other aggregates, and no other");

    let replica = bench.outbox();
    assert_eq!(replica.replay_all().await.unwrap(), 1);
    eventually("all are delivered", async || {
        bench.count("select count(*) from outbox").await == 0
    })
    .await;
    let expected: Vec<i64> = (1..=500).collect();
    assert_eq!(products.heard()[3..], expected);
    bench.stop.cancel();
    relay.await.unwrap();
}

/// Each statement ends long before it is cut off, however many rows there are.
#[tokio::test]
async fn any_number_of_parked_events_is_replayed() {
    let bench = Bench::new().await;
    bench.write("products", &aggregates(12_000)).await;
    bench
        .run(
            "update outbox set parked_at = now();
             create function few() returns trigger language plpgsql as $$ begin
               if (select count(*) from replayed) > 5000 then
                 raise exception 'too many at once';
               end if;
               return null;
             end $$;
             create trigger few after update on outbox
               referencing new table as replayed for each statement execute function few();",
        )
        .await;
    assert_eq!(bench.outbox().replay_all().await.unwrap(), 12_000);
    let parked = "select count(*) from outbox where parked_at is not null or due_at > now()";
    assert_eq!(bench.count(parked).await, 0);
    assert_eq!(bench.outbox().replay_all().await.unwrap(), 0);
}
