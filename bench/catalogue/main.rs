//! What a large catalogue costs: `cargo run --release --example catalogue -- 10000 100000 1000000`.
//!
//! For each of these numbers of products: lines per second of an import (new products, the same
//! file again, every price changed) and the most memory that it took, beside a bare COPY of the same
//! bytes and rows from table to table; then p50 and p99, over sockets, of the first and the
//! thousandth page of each list, and of searches, beside an empty handler and a bare read of one
//! product. Needs the release binary beside it: `cargo build --release` comes first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a program for engineers"
)]

#[path = "../moves/fleet.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod fleet;
mod floor;
mod import;
mod lists;
#[path = "../moves/load.rs"]
#[allow(dead_code, reason = "shared with another bench")]
mod load;
mod searches;

use cleave::settings::Module;
use fleet::{Databases, Fleet, Placement};

fn main() {
    let sizes: Vec<u64> = std::env::args()
        .skip(1)
        .map(|size| size.parse().expect("numbers of products"))
        .collect();
    let sizes = match sizes.is_empty() {
        true => vec![10_000, 100_000, 1_000_000],
        false => sizes,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for products in sizes {
            println!("\n{products} products; load {}", load_average());
            // New databases, so that each size is imported into an empty shop.
            let databases = Databases::start().await;
            import::run(&databases, products).await;
            let mut db = databases.connect(Module::Products).await;
            sqlx::query("vacuum analyze")
                .execute(&mut db)
                .await
                .unwrap();
            let fleet = Fleet::start(&databases, Placement::AllLocal).await;
            let client = lists::Client::new(&fleet);
            floor::run(&client, &mut db).await;
            lists::run(&client).await;
            searches::run(&client, products).await;
            fleet.stop().await;
            databases.stop().await;
        }
    });
}

fn load_average() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
