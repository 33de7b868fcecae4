//! Work beside requests that goes on for the life of the process.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Before work that panicked begins again.
const PAUSE: Duration = Duration::from_secs(5);

/// Does the work until it ends. A panic is logged, and ends one try: after a pause there is
/// another, unless it is time to stop. Dropped, it takes the work with it.
pub async fn keep_going<F>(work: &str, stop: &CancellationToken, begin: impl FnMut() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    keep_going_after(PAUSE, work, stop, begin).await;
}

async fn keep_going_after<F>(
    pause: Duration,
    work: &str,
    stop: &CancellationToken,
    mut begin: impl FnMut() -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut one = JoinSet::new();
        one.spawn(begin());
        let Some(Err(error)) = one.join_next().await else {
            return;
        };
        tracing::error!(work, %error, "background work broke off; it begins again");
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_one_try_and_a_return_ends_all() {
        let (stop, mut tries) = (CancellationToken::new(), 0);
        keep_going_after(Duration::ZERO, "test", &stop, || {
            tries += 1;
            let last = tries == 3;
            async move { assert!(last, "not yet") }
        })
        .await;
        assert_eq!(tries, 3);
    }

    #[tokio::test]
    async fn nothing_begins_again_after_the_stop() {
        let (stop, mut tries) = (CancellationToken::new(), 0);
        keep_going_after(Duration::ZERO, "test", &stop, || {
            tries += 1;
            let stop = stop.clone();
            async move {
                stop.cancel();
                panic!("on the way out");
            }
        })
        .await;
        assert_eq!(tries, 1);
    }
}
