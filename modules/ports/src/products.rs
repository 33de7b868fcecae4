//! The products port.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::Audit;
use crate::{CallContext, Event, Money, Never, PortResult};

/// What other modules may ask of products.
#[async_trait]
pub trait Products: Send + Sync {
    /// Current facts of many products; unknown ids are left out of the reply. Repeatable.
    async fn snapshot(
        &self,
        cx: CallContext,
        request: SnapshotRequest,
    ) -> PortResult<Vec<ProductSnapshot>, Never>;

    /// Holds stock for a whole basket: all lines or none. Idempotent by `reservation_id`, so
    /// repeatable: asked again, a live reservation answers what it answered first.
    async fn reserve(
        &self,
        cx: CallContext,
        request: ReserveRequest,
    ) -> PortResult<Reservation, ReserveRejection>;

    /// Gives a hold back. A reservation that is unknown or not held is left as it is. Repeatable.
    async fn release(&self, cx: CallContext, request: ReleaseRequest) -> PortResult<(), Never>;

    /// Takes in an event of another module. Each event id has its effect once. Repeatable.
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), EventRejection>;

    /// Shows reservations, each as it was at one moment; page by page those that hold stock, by
    /// their ids any. Repeatable.
    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<ReservationBooks, Never>;

    /// Shows the stock of products, each as it was at one moment. Repeatable.
    async fn audit_stock(&self, cx: CallContext, request: Audit) -> PortResult<StockBooks, Never>;

    /// Corrects the stock of these products: what is reserved becomes the sum of the lines, unless
    /// that is more than is on hand; what is on hand is believed, and a movement `reconciled`
    /// records what none accounts for. Of these holds, those whose time is over are given back.
    /// Repeatable.
    async fn repair(&self, cx: CallContext, request: RepairRequest) -> PortResult<(), Never>;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRequest {
    pub product_ids: Vec<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSnapshot {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub unit_price: Money,
    pub available: i64,
    pub is_active: bool,
}

/// `lines` name each product once; quantities are positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveRequest {
    pub reservation_id: Uuid,
    pub lines: Vec<ReserveLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveLine {
    pub product_id: Uuid,
    pub quantity: i64,
}

/// A live reservation, with the prices it was made at. Lines are in product id order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub reservation_id: Uuid,
    pub lines: Vec<ReservedLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedLine {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub quantity: i64,
    pub unit_price: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReserveRejection {
    /// Ids that are unknown or inactive.
    UnknownProducts {
        product_ids: Vec<Uuid>,
    },
    InsufficientStock {
        products: Vec<Shortage>,
    },
    /// The reservation's order is over; its id cannot hold stock again.
    ReservationClosed,
}

/// A line that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    pub product_id: Uuid,
    pub requested: i64,
    pub available: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    pub reservation_id: Uuid,
}

/// Why an event was refused for good, so that its sender must act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum EventRejection {
    /// The hold had expired and the stock is gone.
    OutOfStock { products: Vec<Shortage> },
    /// The order has shipped, and there is no stock that is its own.
    NotAllocated,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationBooks {
    pub reservations: Vec<ReservationBook>,
    /// Ask for what comes after it; absent on the last page.
    pub next: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationBook {
    pub reservation_id: Uuid,
    pub state: ReservationState,
    pub closed_as: Option<ClosedAs>,
    pub order_id: Option<Uuid>,
    /// Of a hold: seconds since it expired.
    pub overdue_s: Option<i64>,
    /// What it holds, in product id order.
    pub lines: Vec<ReserveLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Expires, unless its order comes.
    Held,
    /// Belongs to an open order.
    Allocated,
    /// Its order is over.
    Closed,
}

/// What became of the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedAs {
    /// It came back.
    Released,
    /// It has left.
    Shipped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockBooks {
    pub products: Vec<StockBook>,
    /// Ask for what comes after it; absent on the last page.
    pub next: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockBook {
    pub product_id: Uuid,
    pub sku: String,
    pub on_hand: i64,
    pub reserved: i64,
    /// The sum of the lines of reservations.
    pub lines: i64,
    /// The sum of the movements.
    pub movements: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairRequest {
    pub product_ids: Vec<Uuid>,
    /// Reservations that should have expired.
    pub holds: Vec<Uuid>,
}
