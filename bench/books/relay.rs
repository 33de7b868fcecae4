//! The relay: how fast it delivers, and how far it is behind.

use std::time::{Duration, Instant};

use cleave::settings::Module;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::PgConnection;

use crate::fill::{self, Fates};
use crate::fleet::{Databases, Fleet, Placement};
use crate::load::{Shop, quantiles};

const EVENTS: i32 = 50_000;
const ORDERS_A_SECOND: u32 = 500;
const SECONDS: u32 = 15;

/// `(waiting, age of the oldest in seconds)`.
async fn outbox(db: &mut PgConnection) -> (i64, f64) {
    sqlx::query_as(
        "select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from outbox",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

/// One process finds a full outbox.
pub async fn throughput(databases: &Databases) {
    let fates = Fates {
        reservation: "'held'",
        status: "'placed'",
        told: false,
    };
    fill::orders(databases, "relay", EVENTS, fates).await;
    let mut db = databases.connect(Module::Orders).await;
    for placement in [Placement::AllLocal, Placement::ProductsRemote] {
        let before = outbox(&mut db).await.0;
        let fleet = Fleet::start(databases, placement).await;
        let (start, first) = (Instant::now(), outbox(&mut db).await.0);
        // Half of them for each placement.
        let end = match placement {
            Placement::AllLocal => before / 2,
            _ => 0,
        };
        let mut left = first;
        while left > end {
            tokio::time::sleep(Duration::from_millis(50)).await;
            left = outbox(&mut db).await.0;
        }
        println!(
            "relay, {}: {:.0} events/s",
            placement.name(),
            (first - left) as f64 / start.elapsed().as_secs_f64()
        );
        fleet.stop().await;
    }
}

/// Orders come at a steady rate, whether or not others are answered.
pub async fn lag(databases: &Databases) {
    let fleet = Fleet::start(databases, Placement::AllLocal).await;
    let shop = Shop::open(&fleet, databases).await;
    let mut db = databases.connect(Module::Orders).await;
    let mut under_way = FuturesUnordered::new();
    let (mut took, mut refused) = (Vec::new(), 0);
    let mut look = tokio::time::interval(Duration::from_millis(50));
    let mut next = tokio::time::interval(Duration::from_secs(1) / ORDERS_A_SECOND);
    let (mut placed, mut ages) = (0, Vec::new());
    while placed < ORDERS_A_SECOND * SECONDS || !under_way.is_empty() {
        tokio::select! {
            _ = next.tick(), if placed < ORDERS_A_SECOND * SECONDS => {
                under_way.push(shop.place_order());
                placed += 1;
            }
            Some(answer) = under_way.next() => match answer {
                Some(time) => took.push(time),
                None => refused += 1,
            },
            _ = look.tick() => {
                ages.push(Duration::from_secs_f64(outbox(&mut db).await.1));
            }
        }
    }
    let (p50, p99) = quantiles(&mut took);
    let (lag50, lag99) = quantiles(&mut ages);
    println!(
        "relay at {ORDERS_A_SECOND} orders/s for {SECONDS} s: oldest event p50 {lag50:.1?}, p99 {lag99:.1?}"
    );
    println!(
        "  orders: {} placed, {refused} refused, p50 {p50:.1?}, p99 {p99:.1?}",
        took.len()
    );
    fleet.stop().await;
}
