//! The books always balance: real processes of the real program on a real Postgres, with clients
//! that do not give up, are killed, frozen and cut off from their databases and from each other.
//! Afterwards everything that was acknowledged is there, once.
//!
//! What happens is a plan, made from a seed; `CLEAVE_FAULTS_SEED=…` makes the same plan again. When
//! exactly a fault meets a request is not in the plan: processes and the clock are real, so a plan
//! that failed may have to run more than once to fail again. Fail points (`points.rs`) make a
//! process die between two given instructions.
//!
//! `CLEAVE_FAULTS_KILLS=200 CLEAVE_FAULTS_ORDERS=20000` makes each test one long day.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod actors;
mod client;
mod day;
mod ledger;
mod nemesis;
mod plan;
mod points;
mod town;
mod verify;

use plan::{Layout, Plan};

/// Days that are always lived through; another one is new each time.
const SEEDS: [u64; 1] = [2];
const KILLS: usize = 5;
const ORDERS: usize = 250;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value}")),
    )
}

async fn live_through_all(layout: Layout) {
    let size = |variable, usual| number(variable).map_or(usual, |n| usize::try_from(n).unwrap());
    let kills = size("CLEAVE_FAULTS_KILLS", KILLS);
    let orders = size("CLEAVE_FAULTS_ORDERS", ORDERS);
    let new = u64::from(rand::random::<u32>());
    let seeds = match number("CLEAVE_FAULTS_SEED") {
        Some(seed) => vec![seed],
        None if kills > KILLS || orders > ORDERS => vec![new],
        None => SEEDS.into_iter().chain([new]).collect(),
    };
    for seed in seeds {
        day::live_through(&Plan::of(seed, layout, kills, orders)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process() {
    live_through_all(Layout::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas() {
    live_through_all(Layout::Replicas).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_elsewhere() {
    live_through_all(Layout::Split).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_is_killed() {
    live_through_all(Layout::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fail_point_is_reached_and_survived() {
    day::live_through(&Plan::every_point()).await;
}
