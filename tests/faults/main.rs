//! The books always balance: real processes of the real program on a real Postgres, with clients
//! that do not give up, are killed, frozen and cut off from their databases and from each other.
//! Afterwards everything that was acknowledged is there, once.
//!
//! What happens is a plan, made from a seed; `CLEAVE_FAULTS_SEED=…` makes the same plan again. When
//! exactly a fault meets a request is not in the plan: processes and the clock are real, so a plan
//! that failed may have to run more than once to fail again. Fail points (`points.rs`) make a
//! process die between two given instructions.
//!
//! `CLEAVE_FAULTS_KILLS=200 CLEAVE_FAULTS_ORDERS=20000` makes each day long; `a_new_day` is another one
//! each time, `one_process` and the others name their processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod actors;
mod client;
mod day;
mod guests;
mod ledger;
mod model;
mod nemesis;
mod plan;
mod points;
mod town;
mod verify;
mod witness;

use std::time::Duration;

use plan::{Layout, Plan};

/// The day that each layout always lives through; which one is new each time.
const SEED: u64 = 2;
const KILLS: usize = 3;
const ORDERS: usize = 150;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value}")),
    )
}

/// The day of this seed, unless the environment wants another one.
async fn a_day(layout: Layout, seed: u64) {
    let size = |variable, usual| number(variable).map_or(usual, |n| usize::try_from(n).unwrap());
    let kills = size("CLEAVE_FAULTS_KILLS", KILLS);
    let orders = size("CLEAVE_FAULTS_ORDERS", ORDERS);
    let seed = number("CLEAVE_FAULTS_SEED").unwrap_or(seed);
    // A shop that refuses for ever would keep its clients for ever.
    let patience =
        Duration::from_secs(300) + Duration::from_secs(5) * u32::try_from(kills).unwrap();
    let day = Plan::of(seed, layout, kills, orders);
    let lived = tokio::time::timeout(patience, day::live_through(&day)).await;
    lived.unwrap_or_else(|_| panic!("the day does not end within {patience:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process() {
    a_day(Layout::One, SEED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas() {
    a_day(Layout::Replicas, SEED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_elsewhere() {
    a_day(Layout::Split, SEED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_is_killed() {
    a_day(Layout::Embedded, SEED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_day() {
    let seed = rand::random::<u32>();
    let layout = Layout::ALL[seed as usize % Layout::ALL.len()];
    a_day(layout, seed.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fail_point_is_reached_and_survived() {
    day::live_through(&Plan::every_point()).await;
}
