use std::time::Duration;

use platform::Pool;
use platform::db::retry_contention;
use tokio_util::sync::CancellationToken;

use super::give_back::{GiveBack, give_back};

const BATCH: i64 = 200;
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);

/// Gives back expired holds until `stop`. Any number of replicas may sweep.
pub(crate) async fn sweep(pool: Pool, stop: CancellationToken) {
    loop {
        let pause = match sweep_once(&pool).await {
            Ok(BATCH..) => Duration::ZERO,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "could not give back expired holds");
                PAUSE_AFTER_ERROR
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn sweep_once(pool: &Pool) -> Result<i64, sqlx::Error> {
    let expired = sqlx::query_scalar!(
        "select id from reservations where state = 'held' and expires_at <= now()
         order by expires_at limit $1",
        BATCH,
    )
    .fetch_all(pool)
    .await?;
    if expired.is_empty() {
        return Ok(0);
    }
    platform::fail_point!("products.expired");
    let given = retry_contention(|| give_back(pool, &expired, GiveBack::ExpiredHolds)).await?;
    platform::fail_point!("products.swept");
    tracing::info!(holds = given, "gave back expired holds");
    Ok(i64::try_from(expired.len()).unwrap_or(BATCH))
}
