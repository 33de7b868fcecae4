//! This module's events on their way out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use platform::outbox::{Deliver, Delivery, Undelivered};
use ports::{CallContext, Event, EventBody, Failure, Orders, PortError};
use tokio_util::sync::CancellationToken;

use crate::Module;

const ORDERS: &str = "orders";
/// The modules that listen to this one.
pub const SUBSCRIBERS: [&str; 1] = [ORDERS];
/// How long a subscriber may take; shorter than the relay's lease.
const BUDGET: Duration = Duration::from_secs(10);

/// Which modules hear of what; see [`platform::outbox::Outbox::subscribers`].
pub(crate) fn subscribers(body: &EventBody) -> &'static [&'static str] {
    match body {
        EventBody::UserDeleted(_) => &[ORDERS],
        _ => &[],
    }
}

impl Module {
    /// Delivers this module's events until `stop`. Without an address for orders its events wait.
    pub async fn relay(self: Arc<Self>, orders: Option<Arc<dyn Orders>>, stop: CancellationToken) {
        let outbox = Arc::clone(&self.outbox);
        let subscribers = orders.map(|orders| (ORDERS, Arc::new(ToOrders(orders)) as _));
        outbox.relay(subscribers.into_iter().collect(), stop).await;
    }
}

struct ToOrders(Arc<dyn Orders>);

#[async_trait]
impl Deliver for ToOrders {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let event: Event = serde_json::from_value(delivery.event.clone())
            .map_err(|error| Undelivered::Failed(format!("not an event: {error}")))?;
        let cx = CallContext::system(delivery.event_id.to_string(), BUDGET);
        let cx = cx.traced(delivery.trace);
        match self.0.handle(cx, event).await {
            Ok(()) => Ok(()),
            Err(PortError::Rejected(never)) => match never {},
            Err(PortError::Failed(Failure::Unavailable | Failure::Timeout)) => {
                Err(Undelivered::Unavailable)
            }
            Err(PortError::Failed(failure)) => Err(Undelivered::Failed(failure.to_string())),
        }
    }
}
