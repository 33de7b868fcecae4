//! No client can tell where the modules run.

mod placeholders;
mod placement;
mod recording;
mod tour;

use crate::support::{TestShop, Topology};
use recording::Recording;

const SHOP: [&str; 2] = [
    "limits.body_bytes=8KiB",
    "server.cors_origins=https://shop.example",
];

async fn record(topology: Topology) -> Recording {
    let shop = TestShop::open_with(topology, &SHOP).await;
    let mut recording = Recording::default();
    tour::walk(&shop, &mut recording).await;
    shop.close().await;
    recording
}

/// Status, headers and bodies of the same tour, but for ids, times and tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_requests_are_answered_the_same_wherever_the_modules_run() {
    let expected = record(Topology::ALL_LOCAL).await;
    let mut differences = Vec::new();
    for topology in Topology::ALL {
        let found = record(topology).await;
        let differing = expected.differences(&found);
        differences.extend(differing.map(|text| format!("{}: {text}", topology.name)));
    }
    let count = differences.len();
    assert!(
        count == 0,
        "{count} differ:\n\n{}",
        differences.join("\n\n")
    );
}
