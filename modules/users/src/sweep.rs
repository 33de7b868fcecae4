use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Module;
use crate::store::sessions;

const INTERVAL: Duration = Duration::from_secs(600);
/// Rows deleted in one statement, so that none holds its locks for long.
const CHUNK: u16 = 1000;

impl Module {
    /// Deletes what has expired, now and then, until told to stop. Any number of replicas may.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let pause = INTERVAL.mul_f64(rand::random_range(0.5..1.5));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let swept = tokio::select! {
                () = stop.cancelled() => return,
                swept = self.sweep_once() => swept,
            };
            if let Err(error) = swept {
                tracing::warn!(%error, "expired sessions were not deleted; trying again later");
            }
        }
    }

    /// Deletes expired sessions and their refresh tokens.
    pub async fn sweep_once(&self) -> Result<(), sqlx::Error> {
        let limit = i64::from(CHUNK);
        let chunk = u64::from(CHUNK);
        loop {
            // First the tokens: a session that was refreshed for long has many, and those that go
            // along with it are not counted.
            while sessions::delete_tokens_of_expired(&self.pool, limit).await? >= chunk {}
            if sessions::delete_expired(&self.pool, limit).await? < chunk {
                return Ok(());
            }
        }
    }
}
