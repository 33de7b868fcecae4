//! This module's events on their way out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use platform::outbox::{Deliver, Delivery, Undelivered};
use ports::{CallContext, Event, EventBody, Failure, Orders, PortError};
use tokio_util::sync::CancellationToken;

use crate::Module;

const ORDERS: &str = "orders";
/// How long a subscriber may take; shorter than the relay's lease.
const BUDGET: Duration = Duration::from_secs(10);

/// Who hears of what.
pub(crate) fn subscribers(body: &EventBody) -> Vec<String> {
    match body {
        EventBody::UserDeleted(_) => vec![ORDERS.to_owned()],
        _ => Vec::new(),
    }
}

impl Module {
    /// Delivers this module's events until `stop`. Without an address for orders its events wait.
    pub async fn relay(self: Arc<Self>, orders: Option<Arc<dyn Orders>>, stop: CancellationToken) {
        let outbox = Arc::clone(&self.outbox);
        outbox.relay(Arc::new(Subscribers { orders }), stop).await;
    }
}

struct Subscribers {
    orders: Option<Arc<dyn Orders>>,
}

#[async_trait]
impl Deliver for Subscribers {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let event: Event = serde_json::from_value(delivery.event.clone())
            .map_err(|error| Undelivered::Failed(format!("not an event: {error}")))?;
        let cx = CallContext::system(delivery.event_id.to_string(), BUDGET);
        let answer = match (delivery.subscriber.as_str(), &self.orders) {
            (ORDERS, Some(orders)) => orders.handle(cx, event).await,
            (ORDERS, None) => return Err(Undelivered::Unavailable),
            (other, _) => return Err(Undelivered::Failed(format!("unknown subscriber {other}"))),
        };
        match answer {
            Ok(()) => Ok(()),
            Err(PortError::Rejected(never)) => match never {},
            Err(PortError::Failed(Failure::Unavailable | Failure::Timeout)) => {
                Err(Undelivered::Unavailable)
            }
            Err(PortError::Failed(failure)) => Err(Undelivered::Failed(failure.to_string())),
        }
    }
}
