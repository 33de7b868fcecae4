use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(20);

/// Asks until the answer is yes; fails the test when it never is.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    within(PATIENCE, what, condition).await;
}

/// As [`eventually`], for what has a promised time.
pub async fn within(promised: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(
            start.elapsed() < promised,
            "not within {promised:?}: {what}"
        );
        tokio::time::sleep(INTERVAL).await;
    }
}
