//! The orders port.

use async_trait::async_trait;

use crate::{CallContext, Event, Never, PortResult};

/// What other modules may ask of orders.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Takes in an event of another module. Each event id has its effect once. Repeatable.
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), Never>;
}
