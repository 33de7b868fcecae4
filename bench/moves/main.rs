//! What it costs to move a module out: `cargo run --release --example moves`.
//!
//! Prints the price of a port call in the process and over HTTP, orders per second in three
//! topologies measured in turns on the same databases, and what clients notice while dials are
//! turned. Needs the release binary beside it: `cargo build --release` comes first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program for engineers"
)]

mod calls;
mod fleet;
mod load;

use std::time::Duration;

use fleet::{Databases, Fleet, Placement};
use load::{Figures, Shop};

const ROUNDS: usize = 3;
const SECONDS: Duration = Duration::from_secs(8);
const CLIENTS: usize = 32;
const TURNS: usize = 20;

fn main() {
    calls::compare();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let databases = Databases::start().await;
        compare_topologies(&databases).await;
        turn_dials(&databases).await;
        databases.stop().await;
    });
}

async fn compare_topologies(databases: &Databases) {
    println!("\norders, {CLIENTS} clients, {SECONDS:?} a round, {ROUNDS} rounds in turns");
    let mut figures: Vec<(Placement, Vec<Figures>)> = Placement::ALL
        .map(|placement| (placement, Vec::new()))
        .into();
    for _ in 0..ROUNDS {
        for (placement, of_placement) in &mut figures {
            let fleet = Fleet::start(databases, *placement).await;
            let shop = Shop::open(&fleet, databases).await;
            let before = fleet.cpu();
            let mut round = shop.place_orders(CLIENTS, SECONDS).await;
            round.cpu = Some(fleet.cpu() - before);
            assert_eq!(round.failed, 0, "{placement:?}");
            of_placement.push(round);
            fleet.stop().await;
        }
    }
    for (placement, rounds) in &mut figures {
        rounds.sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
        println!("  {:<40}{}", placement.name(), rounds[ROUNDS / 2]);
    }
    let base = figures[0].1[ROUNDS / 2].per_second();
    for (placement, rounds) in &figures[1..] {
        let ratio = rounds[ROUNDS / 2].per_second() / base;
        println!("  {} / all local: {ratio:.2}", placement.name());
    }
}

async fn turn_dials(databases: &Databases) {
    let fleet = Fleet::start(databases, Placement::BesideEachOther).await;
    let shop = Shop::open(&fleet, databases).await;
    let before = databases.orders().await;
    let placing = shop.place_orders(CLIENTS, SECONDS * 2);
    let turning = fleet.turn_dials(TURNS, SECONDS * 2);
    let (round, turned) = tokio::join!(placing, turning);
    let kept = databases.orders().await - before;
    println!("\n{turned} turns of all dials under load: {round}");
    println!(
        "  requests failed: {}, orders acknowledged and lost: {}",
        round.failed,
        i64::try_from(round.took.len()).unwrap() - kept
    );
    fleet.stop().await;
}
