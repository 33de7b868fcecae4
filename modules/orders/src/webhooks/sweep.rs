use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Module;

/// How long deliveries are kept, whatever came of them.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// The statement has this number, too: without it the planner would read the whole table.
const BATCH: u64 = 1000;
const PAUSE: Duration = Duration::from_secs(600);

impl Module {
    /// Forgets old deliveries, until `stop`. Any number of replicas may.
    pub async fn sweep_webhooks(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.sweep_webhooks_once().await {
                Ok(BATCH..) => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "could not forget old webhook deliveries"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE.mul_f64(rand::random_range(0.5..1.5))) => {}
            }
        }
    }

    /// Tells how many it deleted: a batch at most.
    pub async fn sweep_webhooks_once(&self) -> Result<u64, sqlx::Error> {
        let deleted = sqlx::query!(
            "with old as materialized (
               select webhook_id, event_id from webhook_deliveries
               where created_at < now() - make_interval(secs => $1)
               order by created_at limit 1000
               for update skip locked
             )
             delete from webhook_deliveries row using old
             where row.webhook_id = old.webhook_id and row.event_id = old.event_id",
            KEPT.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}
