//! The orders port.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::Audit;
use crate::products::ReserveLine;
use crate::{CallContext, Event, Never, PortResult};

/// What other modules may ask of orders.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Takes in an event of another module. Each event id has its effect once. Repeatable.
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), Never>;

    /// Shows orders, each as it was at one moment. Repeatable.
    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<OrderBooks, Never>;

    /// Tells products again what the status of these orders demands of their reservations, as an
    /// event of its own. Repeatable: a reservation that is as it should be stays so.
    async fn retell(&self, cx: CallContext, request: RetellRequest) -> PortResult<(), Never>;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBooks {
    pub orders: Vec<OrderBook>,
    /// Ask for what comes after it; absent on the last page.
    pub next: Option<Uuid>,
}

/// What orders has written down of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBook {
    pub order_id: Uuid,
    pub number: String,
    pub status: OrderStatus,
    /// Grows with each change of the order.
    pub steps: i32,
    pub reservation_id: Uuid,
    /// In product id order.
    pub lines: Vec<ReserveLine>,
    /// Events for products that are on their way.
    pub pending: i64,
    /// Events for products that wait for an operator.
    pub parked: i64,
    /// How often an event that is on its way has failed; the most of all.
    pub attempts: i32,
    /// Where the order contradicts its own lines and history.
    pub faults: Vec<OrderFault>,
}

impl OrderBook {
    /// Whether products has heard of everything that became of the order.
    pub fn is_settled(&self) -> bool {
        self.pending == 0 && self.parked == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

impl OrderStatus {
    /// Whether it holds stock.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Placed | Self::Paid)
    }

    pub fn is_shipped(self) -> bool {
        matches!(self, Self::Shipped | Self::Delivered)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum OrderFault {
    /// The total is not the sum of the lines, in minor units.
    Total { lines: i64, order: i64 },
    /// The status is not that of the last entry of the history.
    Status {
        history: Option<String>,
        order: String,
    },
    /// The number of steps is not that of the entries of the history.
    Steps { history: i64, order: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetellRequest {
    pub order_ids: Vec<Uuid>,
}
