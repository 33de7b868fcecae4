use ports::events::{Event, EventBody, OrderCancelled};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Module;
use crate::order::Status;
use crate::store::{Transition, transition};

impl Module {
    /// Cancels an order that may still be cancelled; its stock follows by event. `false` when it
    /// was cancelled before, or is past cancelling.
    pub(crate) async fn cancel_order(
        &self,
        order_id: Uuid,
        reason: Option<&str>,
    ) -> Result<bool, sqlx::Error> {
        let Some(reservation_id) = self.reservation_of(order_id).await? else {
            return Ok(false);
        };
        let event = Event {
            id: Uuid::now_v7(),
            occurred_at: OffsetDateTime::now_utc(),
            body: EventBody::OrderCancelled(OrderCancelled {
                order_id,
                reservation_id,
            }),
        };
        let cancel = Transition {
            to: Status::Cancelled,
            reason,
            event: Some(event),
        };
        let changed = transition(&self.outbox, order_id, cancel).await?;
        if changed {
            self.outbox.wake();
        }
        Ok(changed)
    }

    async fn reservation_of(&self, order_id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
        sqlx::query_scalar!("select reservation_id from orders where id = $1", order_id)
            .fetch_optional(&self.pool)
            .await
    }
}
