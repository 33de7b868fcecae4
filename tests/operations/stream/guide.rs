//! "Reading with a consumer group" of docs/events.md, followed as it is written.

use std::process::Command;

use super::{Redis, sell};
use crate::support::{TestShop, Topology};

const GUIDE: &str = include_str!("../../../docs/events.md");
const SECTION: &str = "\n### Reading with a consumer group\n";

fn blocks() -> Vec<&'static str> {
    let (_, section) = GUIDE.split_once(SECTION).unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

/// What the commands print; none of them may fail or be refused.
async fn run(redis: &Redis, script: &str, entry: &str) -> String {
    let mut bash = Command::new("bash");
    bash.args(["-euc", script])
        .env("REDIS", redis.url())
        .env("ENTRY", entry);
    let running = tokio::task::spawn_blocking(move || bash.output().unwrap());
    let output = running.await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let refused = ["ERR", "NOGROUP", "BUSYGROUP", "WRONGTYPE"];
    let refused = refused.iter().any(|word| printed.starts_with(word));
    assert!(output.status.success() && !refused, "{script}: {printed}");
    printed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_group_reads_as_the_guide_says() {
    let redis = Redis::start().await;
    let shop = TestShop::open_with(Topology::default(), &[&redis.setting()]).await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    sell(&shop, &admin, &lamp, 2).await;
    shop.expect_balanced_books().await;
    let blocks = blocks();
    let [create, read, acknowledge, pending] = blocks[..] else {
        panic!("{blocks:#?}");
    };

    run(&redis, create, "").await;
    let entries = run(&redis, read, "").await;
    let types: Vec<&str> = entries
        .lines()
        .filter(|line| line.starts_with("order."))
        .collect();
    assert_eq!(types.len(), 3, "{entries}");
    // The name of the stream, then the first entry.
    let first = entries.lines().nth(1).unwrap();
    assert_eq!(run(&redis, acknowledge, first).await.trim(), "1");
    let left = run(&redis, pending, "").await;
    assert!(!left.contains(first), "{left}");
    assert!(
        left.contains("order.placed.v1") || left.contains("order.cancelled.v1"),
        "{left}"
    );
    shop.close().await;
}
