//! This module's events on their way out.

use std::time::Duration;

use async_trait::async_trait;
use platform::outbox::{Deliver, Delivery, Undelivered};
use ports::products::EventRejection;
use ports::{CallContext, Event, EventBody, Failure, PortError};

use crate::Module;

pub const PRODUCTS: &str = "products";
/// How long a subscriber may take; shorter than the relay's lease.
const BUDGET: Duration = Duration::from_secs(10);

/// Who hears of what.
pub fn subscribers(body: &EventBody) -> Vec<String> {
    match body {
        EventBody::OrderPlaced(_) | EventBody::OrderShipped(_) | EventBody::OrderCancelled(_) => {
            vec![PRODUCTS.to_owned()]
        }
        _ => Vec::new(),
    }
}

#[async_trait]
impl Deliver for Module {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let event: Event = serde_json::from_value(delivery.event.clone())
            .map_err(|error| Undelivered::Failed(format!("not an event: {error}")))?;
        let cx = CallContext::system(delivery.event_id.to_string(), BUDGET);
        let answer = match delivery.subscriber.as_str() {
            PRODUCTS => self.products.handle(cx, event).await,
            other => return Err(Undelivered::Failed(format!("unknown subscriber {other}"))),
        };
        match answer {
            Ok(()) => Ok(()),
            Err(PortError::Rejected(EventRejection::OutOfStock { products })) => {
                tracing::warn!(order_id = %delivery.aggregate_id, ?products, "an order lost its stock");
                self.cancel_order(delivery.aggregate_id, Some("out_of_stock"))
                    .await
                    .map(|_| ())
                    .map_err(|error| Undelivered::Failed(error.to_string()))
            }
            // A peer that hangs is away, too: only what was answered can be held against an event.
            Err(PortError::Failed(Failure::Unavailable | Failure::Timeout)) => {
                Err(Undelivered::Unavailable)
            }
            Err(PortError::Failed(failure)) => Err(Undelivered::Failed(failure.to_string())),
        }
    }
}
