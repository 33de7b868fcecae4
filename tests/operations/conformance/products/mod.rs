//! The products port.

mod audit;
mod events;
mod failures;
mod fake;
mod fake_books;
mod fake_world;
mod module;
mod races;
mod release;
mod reserve;
mod ship;
mod snapshot;

use std::sync::Arc;

use ports::audit::Audit;
use ports::events::{OrderCancelled, OrderPlaced, OrderShipped};
use ports::products::{
    EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation, ReserveLine,
    ReserveRejection, ReserveRequest, Shortage, SnapshotRequest,
};
use ports::{
    CallContext, Currency, Event, EventBody, Money, Never, PortError, PortResult, Products,
};
use ports_http::{Remote, Switch};
use time::OffsetDateTime;
use uuid::Uuid;

use super::bench::{Answered, Bench, Tested, World, answered, cx};
use super::on_every_adapter;
pub use fake::FakeProducts;
use module::ProductsModule;

type Fake = Arc<FakeProducts>;
type Module = ProductsModule;

pub const PRICE: Money = Money::new(49_900, Currency::EUR);

/// What happens to products besides being asked for.
pub trait ProductsWorld: World<Port = dyn Products> {
    /// On sale. Its sku is its id.
    async fn product(&self, name: &str, price: Money, on_hand: i64) -> Uuid;
    async fn change_price(&self, product_id: Uuid, price: Money);
    /// Takes it off sale.
    async fn retire(&self, product_id: Uuid);
    /// Time passes for every hold, and the stock comes back.
    async fn expire_holds(&self);
    /// `(on_hand, reserved)`.
    async fn stock(&self, product_id: Uuid) -> (i64, i64);
}

/// What an order wants, and the ids under which it is known.
#[derive(Clone)]
pub struct Basket {
    reservation_id: Uuid,
    order_id: Uuid,
    lines: Vec<ReserveLine>,
}

impl Basket {
    /// Of products and quantities.
    pub fn of(lines: &[(Uuid, i64)]) -> Self {
        let line = |&(product_id, quantity): &(Uuid, i64)| ReserveLine {
            product_id,
            quantity,
        };
        Self {
            reservation_id: Uuid::now_v7(),
            order_id: Uuid::now_v7(),
            lines: lines.iter().map(line).collect(),
        }
    }

    fn placed(&self) -> Event {
        event(EventBody::OrderPlaced(OrderPlaced {
            order_id: self.order_id,
            reservation_id: self.reservation_id,
            lines: self.lines.clone(),
        }))
    }

    pub fn cancelled(&self) -> Event {
        event(EventBody::OrderCancelled(OrderCancelled {
            order_id: self.order_id,
            reservation_id: self.reservation_id,
        }))
    }

    fn shipped(&self) -> Event {
        event(EventBody::OrderShipped(OrderShipped {
            order_id: self.order_id,
            reservation_id: self.reservation_id,
        }))
    }

    pub fn request(&self) -> ReserveRequest {
        ReserveRequest {
            reservation_id: self.reservation_id,
            lines: self.lines.clone(),
        }
    }
}

fn event(body: EventBody) -> Event {
    Event {
        id: Uuid::now_v7(),
        occurred_at: OffsetDateTime::now_utc(),
        body,
    }
}

impl<W: ProductsWorld> Bench<W> {
    async fn sofas(&self, on_hand: i64) -> Uuid {
        self.world.product("Sofa", PRICE, on_hand).await
    }

    async fn snapshot(&self, product_ids: &[Uuid]) -> PortResult<Vec<ProductSnapshot>, Never> {
        let product_ids = product_ids.to_vec();
        let request = SnapshotRequest { product_ids };
        self.port.snapshot(cx(), request).await
    }

    async fn reserve(&self, basket: &Basket) -> PortResult<Reservation, ReserveRejection> {
        self.port.reserve(cx(), basket.request()).await
    }

    async fn release(&self, basket: &Basket) -> PortResult<(), Never> {
        let reservation_id = basket.reservation_id;
        let request = ReleaseRequest { reservation_id };
        self.port.release(cx(), request).await
    }

    async fn handle(&self, event: &Event) -> PortResult<(), EventRejection> {
        self.port.handle(cx(), event.clone()).await
    }

    async fn reserved(&self, product_id: Uuid) -> i64 {
        self.world.stock(product_id).await.1
    }
}

fn closed<T>() -> PortResult<T, ReserveRejection> {
    Err(PortError::Rejected(ReserveRejection::ReservationClosed))
}

fn short(product_id: Uuid, requested: i64, available: i64) -> Shortage {
    Shortage {
        product_id,
        requested,
        available,
    }
}

impl Tested for dyn Products {
    const CALLS: usize = 7;

    fn remote(remote: Remote) -> Arc<Self> {
        Arc::new(remote)
    }

    fn switch(switch: Switch<Self>) -> Arc<Self> {
        Arc::new(switch)
    }

    async fn each_call(&self, cx: &CallContext) -> Vec<(&'static str, Answered)> {
        let cx = || cx.clone();
        let unknown = Basket::of(&[(Uuid::now_v7(), 1)]);
        let product_ids = vec![Uuid::now_v7()];
        let reservation_id = Uuid::now_v7();
        let none = || Audit::Of { ids: Vec::new() };
        let repair = RepairRequest {
            product_ids: product_ids.clone(),
            holds: vec![reservation_id],
        };
        let (snapshot, reserve, release, handle, audit, audit_stock, repair) = tokio::join!(
            self.snapshot(cx(), SnapshotRequest { product_ids }),
            self.reserve(cx(), unknown.request()),
            self.release(cx(), ReleaseRequest { reservation_id }),
            self.handle(cx(), Basket::of(&[]).cancelled()),
            self.audit(cx(), none()),
            self.audit_stock(cx(), none()),
            self.repair(cx(), repair),
        );
        vec![
            ("snapshot", answered(snapshot)),
            ("reserve", answered(reserve)),
            ("release", answered(release)),
            ("handle", answered(handle)),
            ("audit", answered(audit)),
            ("audit_stock", answered(audit_stock)),
            ("repair", answered(repair)),
        ]
    }
}
