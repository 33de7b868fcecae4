use std::time::Duration;

use uuid::Uuid;

use super::Outbox;

/// Between two looks at events that a pass did not settle; grows with each.
const PAUSE: Duration = Duration::from_millis(10);

impl Outbox {
    /// Waits until a subscriber has the events of an aggregate, at most `patience`. For callers who
    /// would like to see their effect, such as stock that is given back.
    pub async fn settle(
        &self,
        subscriber: &str,
        aggregate_id: Uuid,
        patience: Duration,
    ) -> Result<(), sqlx::Error> {
        let mut passes = self.passes.subscribe();
        let settled = async {
            let mut pause = Duration::ZERO;
            loop {
                passes.borrow_and_update();
                if !self.pending(subscriber, aggregate_id).await? {
                    return Ok(());
                }
                // Another replica has it, or it waits to be tried again.
                tokio::time::sleep(pause).await;
                pause += PAUSE;
                self.wake();
                if passes.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(patience, settled)
            .await
            .unwrap_or(Ok(()))
    }

    async fn pending(&self, subscriber: &str, aggregate_id: Uuid) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select exists (
                 select from outbox
                 where subscriber = $1 and aggregate_id = $2 and parked_at is null
               ) as "pending!""#,
            subscriber,
            aggregate_id,
        )
        .fetch_one(&self.pool)
        .await
    }

    /// Whether the events of an aggregate wait for an operator.
    pub async fn is_parked(
        &self,
        subscriber: &str,
        aggregate_id: Uuid,
    ) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"select exists (
                 select from outbox
                 where subscriber = $1 and aggregate_id = $2 and parked_at is not null
               ) as "parked!""#,
            subscriber,
            aggregate_id,
        )
        .fetch_one(&self.pool)
        .await
    }
}
