use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::support::Reply;

const WARNING: &str = "the collector does not take traces";
/// For requests that take milliseconds, on a machine that is busy with tests.
const PROMPT: Duration = Duration::from_secs(2);

async fn serve(databases: &TestDatabases, folder: &Path, set: &[&str]) -> Process {
    let address = free_address();
    let mut command = command(folder, address, &["serve"]);
    for setting in set {
        command.args(["--set", setting]);
    }
    Process::serve(on(databases, command), address).await
}

/// Sells until the collector was tried, and ends in order.
async fn sell(databases: &TestDatabases, endpoint: &str, is_tried: impl Fn() -> bool) {
    let folder = roomy_folder();
    let setting = format!("telemetry.otlp_endpoint={endpoint}");
    let process = serve(databases, folder.path(), &[&setting]).await;
    eventually("the collector was tried", async || {
        let start = Instant::now();
        let list = process
            .request(Method::GET, "/api/v1/products")
            .send()
            .await;
        assert_eq!(list.unwrap().status(), 200);
        assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
        is_tried() && process.log().contains(WARNING)
    })
    .await;
    let stop = Instant::now();
    process.signal(Signal::SIGTERM);
    let (code, log) = process.ended_saying().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(stop.elapsed() < Duration::from_secs(15), "{log}");
    assert_eq!(log.matches(WARNING).count(), 1, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn the_shop_sells_while_the_collector_is_of_no_use() {
    let databases = TestDatabases::create().await;
    let nobody = format!("http://shop:hunter2@{}", free_address());
    sell(&databases, &nobody, || true).await;

    let tried = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&tried);
    let replies = [
        Reply::Close,
        Reply::Endless,
        Reply::Status(503),
        Reply::Status(400),
        Reply::Redirect("http://127.0.0.1:1/".to_owned()),
        Reply::Silence,
    ];
    let number = replies.len();
    let collector = Receiver::answering(move |_| {
        let turn = count.fetch_add(1, Ordering::Relaxed);
        replies.get(turn).cloned().unwrap_or(Reply::Silence)
    })
    .await;
    sell(&databases, &collector.url(""), || {
        tried.load(Ordering::Relaxed) >= number
    })
    .await;
}

#[tokio::test]
async fn a_share_of_the_traces_is_told() {
    let (databases, collector) = (TestDatabases::create().await, Collector::open().await);
    let folder = roomy_folder();
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.endpoint());
    let process = serve(
        &databases,
        folder.path(),
        &[&endpoint, "telemetry.sample_ratio=0"],
    )
    .await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for traceparent in [None, Some(format!("00-{trace}-{SPAN}-01"))] {
        let mut request = process.request(Method::GET, "/api/v1/products/no-id");
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        assert_eq!(request.send().await.unwrap().status(), 404);
    }
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended().await, Some(0));
    let lines: Vec<String> = collector.all().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        ["users,products,orders server GET /api/v1/products/{id}"]
    );
    assert_eq!(collector.trace(trace).len(), 1);
}
