//! What it costs that the books balance: `cargo run --release --example books`.
//!
//! Prints a flash sale at two replicas, how fast the relay delivers, how far it lags behind 500
//! orders a second, and what it takes to reconcile a million orders. Needs the release binary beside
//! it: `cargo build --release` comes first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program for engineers"
)]

mod fill;
#[path = "../moves/fleet.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod fleet;
#[path = "../moves/load.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod load;
mod reconcile;
mod relay;
mod sale;

use fleet::Databases;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let databases = Databases::start().await;
        sale::run(&databases).await;
        relay::throughput(&databases).await;
        relay::lag(&databases).await;
        reconcile::run(&databases).await;
        databases.stop().await;
    });
}
