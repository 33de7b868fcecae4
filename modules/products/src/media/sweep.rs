use std::time::Duration;

use platform::Pool;
use tokio_util::sync::CancellationToken;

use super::{MediaStore, images};

const BATCH: i64 = 100;
const PAUSE: Duration = Duration::from_secs(30);

/// Removes bytes that no product has until `stop`. Any number of replicas may sweep: what another
/// has removed is gone.
pub(crate) async fn sweep(pool: Pool, store: MediaStore, stop: CancellationToken) {
    loop {
        let pause = match sweep_once(&pool, &store).await {
            Some(BATCH..) => Duration::ZERO,
            _ => PAUSE,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How many there were; `None` when it broke off.
async fn sweep_once(pool: &Pool, store: &MediaStore) -> Option<i64> {
    let leftovers = images::leftovers(pool, BATCH).await;
    let leftovers = leftovers
        .inspect_err(|error| tracing::warn!(%error, "could not look for leftover pictures"))
        .ok()?;
    for key in &leftovers {
        if let Err(error) = store.remove(key).await {
            tracing::warn!(%error, %key, "could not remove a leftover picture");
            return None;
        }
        if let Err(error) = images::forget(pool, key).await {
            tracing::warn!(%error, %key, "could not forget a leftover picture");
            return None;
        }
    }
    i64::try_from(leftovers.len()).ok()
}
