//! Which events of other modules had their effect.
//!
//! An event may come any number of times, also twice at once. Its id is recorded in the transaction
//! of its effect: whoever comes second waits for the first one's commit, and has nothing to do.

use std::time::Duration;

use crate::Pool;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long an id is remembered. A sender tries again within half a minute for as long as it lives;
/// what it sends after it was away for longer than this meets effects that are idempotent by their
/// own state.
pub const REMEMBERED: Duration = Duration::from_secs(3 * 24 * 3600);
/// Rows deleted in one statement.
const CHUNK: i64 = 5_000;

/// Records the event in the caller's transaction; `false` when it was handled before.
pub async fn first_time(tx: &mut PgConnection, event_id: Uuid) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into inbox (event_id) values ($1) on conflict do nothing",
        event_id,
    );
    Ok(inserted.execute(tx).await?.rows_affected() == 1)
}

/// Between two looks for ids to forget.
const INTERVAL: Duration = Duration::from_secs(600);

/// Forgets old ids now and then, until `stop`. Any number of replicas may.
pub async fn sweep(pool: Pool, stop: CancellationToken) {
    loop {
        let pause = INTERVAL.mul_f64(rand::random_range(0.5..1.5));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let forgotten = tokio::select! {
            () = stop.cancelled() => return,
            forgotten = forget(&pool) => forgotten,
        };
        match forgotten {
            Ok(0) => {}
            Ok(ids) => tracing::debug!(ids, "forgot events that were handled long ago"),
            Err(error) => tracing::warn!(%error, "could not forget handled events; trying later"),
        }
    }
}

/// Forgets ids that are older than [`REMEMBERED`]; tells how many.
pub async fn forget(pool: &Pool) -> Result<u64, sqlx::Error> {
    let mut forgotten = 0;
    loop {
        let deleted = sqlx::query!(
            "delete from inbox where event_id in (
               select event_id from inbox where handled_at < now() - make_interval(secs => $1)
               limit $2)",
            REMEMBERED.as_secs_f64(),
            CHUNK,
        );
        let rows = deleted.execute(pool).await?.rows_affected();
        forgotten += rows;
        if rows < CHUNK.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}
