//! This module's events on their way out.

use std::time::Duration;

use async_trait::async_trait;
use platform::db;
use platform::outbox::{Deliver, Delivery, Undelivered};
use ports::events::{OrderCancelled, OrderDelivered, OrderPaid, OrderShipped};
use ports::products::EventRejection;
use ports::{CallContext, Event, EventBody, Failure, PortError};

use crate::Module;
use crate::order::{OUT_OF_STOCK, Status};
use crate::store::OrderKey;

pub(crate) const PRODUCTS: &str = "products";
/// The modules that listen to this one.
pub const SUBSCRIBERS: [&str; 1] = [PRODUCTS];
/// How long a subscriber may take; shorter than the relay's lease.
const BUDGET: Duration = Duration::from_secs(10);

/// Which modules hear of what; see [`platform::outbox::Outbox::subscribers`].
pub fn subscribers(body: &EventBody) -> &'static [&'static str] {
    match body {
        EventBody::OrderPlaced(_) | EventBody::OrderShipped(_) | EventBody::OrderCancelled(_) => {
            &[PRODUCTS]
        }
        _ => &[],
    }
}

/// What is told of an order that has come to this status. A placed one is told of with its lines.
pub fn reached(status: Status, order: OrderKey) -> Option<EventBody> {
    let OrderKey {
        id: order_id,
        reservation_id,
    } = order;
    Some(match status {
        Status::Placed => return None,
        Status::Paid => EventBody::OrderPaid(OrderPaid { order_id }),
        Status::Shipped => EventBody::OrderShipped(OrderShipped {
            order_id,
            reservation_id,
        }),
        Status::Delivered => EventBody::OrderDelivered(OrderDelivered { order_id }),
        Status::Cancelled => EventBody::OrderCancelled(OrderCancelled {
            order_id,
            reservation_id,
        }),
    })
}

/// To products.
#[async_trait]
impl Deliver for Module {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let event: Event = serde_json::from_value(delivery.event.clone())
            .map_err(|error| Undelivered::Failed(format!("not an event: {error}")))?;
        let cx = CallContext::system(delivery.event_id.to_string(), BUDGET);
        let cx = cx.traced(delivery.trace);
        match self.products.handle(cx, event).await {
            Ok(()) => Ok(()),
            Err(PortError::Rejected(EventRejection::OutOfStock { products })) => {
                tracing::warn!(order_id = %delivery.aggregate_id, ?products, "an order lost its stock");
                self.cancel_order(delivery.aggregate_id, Some(OUT_OF_STOCK), delivery.trace)
                    .await
                    .map(|_| ())
                    .map_err(|error| of_our_own(&error))
            }
            Err(PortError::Rejected(EventRejection::NotAllocated)) => Err(Undelivered::Failed(
                "products holds no stock for this order".to_owned(),
            )),
            // A peer that hangs is away, too: only what was answered can be held against an event.
            Err(PortError::Failed(Failure::Unavailable | Failure::Timeout)) => {
                Err(Undelivered::Unavailable)
            }
            Err(PortError::Failed(failure)) => Err(Undelivered::Failed(failure.to_string())),
        }
    }
}

/// This module's database away is no answer of the subscriber: nothing is held against the event.
fn of_our_own(error: &sqlx::Error) -> Undelivered {
    match db::failure(error) {
        db::Failure::Unavailable | db::Failure::Timeout | db::Failure::Contention => {
            Undelivered::Unavailable
        }
        db::Failure::Internal => Undelivered::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_uses_up_no_attempt() {
        let away = of_our_own(&sqlx::Error::PoolTimedOut);
        assert_eq!(away, Undelivered::Unavailable);
        let bug = of_our_own(&sqlx::Error::RowNotFound);
        assert!(matches!(bug, Undelivered::Failed(_)));
    }
}
