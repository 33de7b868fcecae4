use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use ports::audit::Audit;
use ports::products::{
    EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation, ReservationBooks,
    ReserveLine, ReserveRejection, ReserveRequest, ReservedLine, Shortage, SnapshotRequest,
    StockBooks,
};
use ports::{
    CallContext, Event, EventBody, Failure, Money, Never, PortError, PortResult, Products,
};
use uuid::Uuid;

use super::fake_books::Skew;
use crate::conformance::faults::Faults;

/// Catalogue, stock and reservations in memory. A reservation's state is also the memory of which
/// events were handled.
#[derive(Default)]
pub struct FakeProducts {
    pub state: Mutex<State>,
    pub faults: Faults,
}

#[derive(Default)]
pub struct State {
    pub products: BTreeMap<Uuid, Product>,
    pub reservations: BTreeMap<Uuid, Entry>,
    /// Of reservations that an order was heard of.
    pub order_ids: BTreeMap<Uuid, Uuid>,
    /// Reservations whose goods have left.
    pub shipped: BTreeSet<Uuid>,
    /// What was written past the shop.
    pub skews: BTreeMap<Uuid, Skew>,
}

pub struct Product {
    pub name: String,
    pub price: Money,
    pub on_hand: i64,
    pub is_active: bool,
}

pub enum Entry {
    Held(Vec<ReservedLine>),
    Allocated(Vec<ReservedLine>),
    Closed,
}

/// Whether what is inactive may be taken too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Hold,
    Allocation,
}

impl State {
    pub fn reserved(&self, product_id: Uuid) -> i64 {
        let lines = self.reservations.values().flat_map(|entry| match entry {
            Entry::Held(lines) | Entry::Allocated(lines) => lines.as_slice(),
            Entry::Closed => &[],
        });
        let of_product = lines.filter(|line| line.product_id == product_id);
        of_product.map(|line| line.quantity).sum()
    }

    fn snapshot(&self, product_id: Uuid) -> Option<ProductSnapshot> {
        let product = self.products.get(&product_id)?;
        Some(ProductSnapshot {
            product_id,
            sku: product_id.to_string(),
            name: product.name.clone(),
            unit_price: product.price,
            available: product.on_hand - self.reserved(product_id),
            is_active: product.is_active,
        })
    }

    /// All lines or none, in product id order.
    fn lines(
        &self,
        wanted: &[ReserveLine],
        what_for: For,
    ) -> PortResult<Vec<ReservedLine>, ReserveRejection> {
        let wanted: BTreeMap<_, _> = {
            let by_id: BTreeMap<_, _> = wanted.iter().map(|l| (l.product_id, l.quantity)).collect();
            if by_id.len() < wanted.len() || by_id.values().any(|quantity| *quantity < 1) {
                return Err(Failure::Internal.into());
            }
            by_id
        };
        let (mut lines, mut unknown, mut short) = (Vec::new(), Vec::new(), Vec::new());
        for (product_id, quantity) in wanted {
            match self.snapshot(product_id) {
                Some(product) if product.is_active || what_for == For::Allocation => {
                    if product.available < quantity {
                        short.push(Shortage {
                            product_id,
                            requested: quantity,
                            available: product.available,
                        });
                    }
                    lines.push(ReservedLine {
                        product_id,
                        sku: product.sku,
                        name: product.name,
                        quantity,
                        unit_price: product.unit_price,
                    });
                }
                _ => unknown.push(product_id),
            }
        }
        let product_ids = unknown;
        let products = short;
        if !product_ids.is_empty() {
            return Err(PortError::Rejected(ReserveRejection::UnknownProducts {
                product_ids,
            }));
        }
        if !products.is_empty() {
            return Err(PortError::Rejected(ReserveRejection::InsufficientStock {
                products,
            }));
        }
        Ok(lines)
    }

    fn place(&mut self, id: Uuid, lines: &[ReserveLine]) -> PortResult<(), EventRejection> {
        let lines = match self.reservations.remove(&id) {
            None => self.lines(lines, For::Allocation).map_err(out_of_stock)?,
            Some(Entry::Held(lines)) => lines,
            Some(other) => {
                self.reservations.insert(id, other);
                return Ok(());
            }
        };
        self.reservations.insert(id, Entry::Allocated(lines));
        Ok(())
    }

    fn ship(&mut self, id: Uuid) -> PortResult<(), EventRejection> {
        match self.reservations.get_mut(&id) {
            Some(entry @ Entry::Allocated(_)) => {
                if let Entry::Allocated(lines) = std::mem::replace(entry, Entry::Closed) {
                    for line in lines {
                        self.products.get_mut(&line.product_id).unwrap().on_hand -= line.quantity;
                    }
                }
                Ok(())
            }
            Some(Entry::Closed) => Ok(()),
            Some(Entry::Held(_)) | None => Err(PortError::Rejected(EventRejection::NotAllocated)),
        }
    }
}

fn out_of_stock(error: PortError<ReserveRejection>) -> PortError<EventRejection> {
    let products = match error {
        PortError::Failed(failure) => return failure.into(),
        PortError::Rejected(ReserveRejection::InsufficientStock { products }) => products,
        PortError::Rejected(_) => Vec::new(),
    };
    PortError::Rejected(EventRejection::OutOfStock { products })
}

#[async_trait]
impl Products for FakeProducts {
    async fn snapshot(
        &self,
        cx: CallContext,
        request: SnapshotRequest,
    ) -> PortResult<Vec<ProductSnapshot>, Never> {
        self.faults.pass(&cx).await?;
        let state = self.state.lock().unwrap();
        let mut ids = request.product_ids;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids
            .into_iter()
            .filter_map(|id| state.snapshot(id))
            .collect())
    }

    async fn reserve(
        &self,
        cx: CallContext,
        request: ReserveRequest,
    ) -> PortResult<Reservation, ReserveRejection> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        let reservation_id = request.reservation_id;
        let lines = match state.reservations.get(&reservation_id) {
            Some(Entry::Held(lines) | Entry::Allocated(lines)) => lines.clone(),
            Some(Entry::Closed) => {
                return Err(PortError::Rejected(ReserveRejection::ReservationClosed));
            }
            None => {
                let lines = state.lines(&request.lines, For::Hold)?;
                let hold = Entry::Held(lines.clone());
                state.reservations.insert(reservation_id, hold);
                lines
            }
        };
        Ok(Reservation {
            reservation_id,
            lines,
        })
    }

    async fn release(&self, cx: CallContext, request: ReleaseRequest) -> PortResult<(), Never> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        if let Some(Entry::Held(_)) = state.reservations.get(&request.reservation_id) {
            state.reservations.remove(&request.reservation_id);
        }
        Ok(())
    }

    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), EventRejection> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        match event.body {
            EventBody::OrderPlaced(placed) => {
                state.place(placed.reservation_id, &placed.lines)?;
                let order_ids = &mut state.order_ids;
                order_ids.insert(placed.reservation_id, placed.order_id);
                Ok(())
            }
            EventBody::OrderShipped(shipped) => {
                state.ship(shipped.reservation_id)?;
                state.shipped.insert(shipped.reservation_id);
                Ok(())
            }
            EventBody::OrderCancelled(cancelled) => {
                let order_ids = &mut state.order_ids;
                order_ids.insert(cancelled.reservation_id, cancelled.order_id);
                state
                    .reservations
                    .insert(cancelled.reservation_id, Entry::Closed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<ReservationBooks, Never> {
        self.faults.pass(&cx).await?;
        Ok(self.state.lock().unwrap().reservation_books(&request))
    }

    async fn audit_stock(&self, cx: CallContext, request: Audit) -> PortResult<StockBooks, Never> {
        self.faults.pass(&cx).await?;
        Ok(self.state.lock().unwrap().stock_books(&request))
    }

    async fn repair(&self, cx: CallContext, request: RepairRequest) -> PortResult<(), Never> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        for id in request.product_ids {
            state.repair(id);
        }
        Ok(())
    }
}
