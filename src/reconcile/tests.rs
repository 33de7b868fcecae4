//! The walk, against books that follow a script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::audit::{Audit, page};
use ports::orders::{OrderBook, OrderBooks, OrderStatus, RetellRequest};
use ports::products::{
    EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation, ReservationBook,
    ReservationBooks, ReservationState, ReserveLine, ReserveRejection, ReserveRequest,
    SnapshotRequest, StockBooks,
};
use ports::{CallContext, Event, Failure, Never, Orders, PortResult, Products};
use uuid::Uuid;

use super::{Kind, Unfinished, reconcile};

const ORDERS: u128 = 2_500;
const LAMP: Uuid = Uuid::from_u128(7);

#[derive(Default)]
struct Script {
    orders: BTreeMap<Uuid, OrderBook>,
    reservations: BTreeMap<Uuid, ReservationBook>,
    /// Is cancelled when it has been looked at so often.
    restless: Option<(Uuid, u32)>,
    /// The longest page that there is time for.
    page_most: u32,
    /// How often orders does not answer.
    orders_away: u32,
    /// The limits of the pages that were asked for.
    limits: Vec<u32>,
    /// A hold that is overdue on its page, and when it is looked at again so long.
    overdue: Option<(Uuid, Option<i64>)>,
    /// What becomes of pages of stock.
    stock: Option<Failure>,
}

impl Script {
    /// As many open orders, each with its stock.
    fn of_orders() -> Self {
        let mut script = Self {
            page_most: u32::MAX,
            ..Self::default()
        };
        for number in 1..=ORDERS {
            let (order_id, reservation_id) = ids(number);
            let lines = vec![ReserveLine {
                product_id: LAMP,
                quantity: 2,
            }];
            let order = OrderBook {
                order_id,
                number: number.to_string(),
                status: OrderStatus::Placed,
                steps: 1,
                reservation_id,
                lines: lines.clone(),
                pending: 0,
                parked: 0,
                attempts: 0,
                faults: Vec::new(),
            };
            let reservation = ReservationBook {
                reservation_id,
                state: ReservationState::Allocated,
                closed_as: None,
                order_id: Some(order_id),
                overdue_s: None,
                lines,
            };
            script.orders.insert(order_id, order);
            script.reservations.insert(reservation_id, reservation);
        }
        script
    }

    /// Loses the reservation of an order; answers the order.
    fn lose(&mut self, number: u128) -> Uuid {
        let (order_id, reservation_id) = ids(number);
        self.reservations.remove(&reservation_id).unwrap();
        order_id
    }

    /// A hold of nobody, which should have expired.
    fn hold(&mut self, later: Option<i64>) {
        let (_, reservation_id) = ids(ORDERS + 1);
        let hold = ReservationBook {
            reservation_id,
            state: ReservationState::Held,
            closed_as: None,
            order_id: None,
            overdue_s: Some(600),
            lines: vec![ReserveLine {
                product_id: LAMP,
                quantity: 2,
            }],
        };
        self.reservations.insert(reservation_id, hold);
        self.overdue = Some((reservation_id, later));
    }

    fn look_at_restless(&mut self) {
        let Some((id, looks)) = &mut self.restless else {
            return;
        };
        *looks = looks.saturating_sub(1);
        let order = self.orders.get_mut(id).unwrap();
        if *looks == 0 && order.status != OrderStatus::Cancelled {
            (order.status, order.steps) = (OrderStatus::Cancelled, 2);
        }
    }
}

fn ids(number: u128) -> (Uuid, Uuid) {
    (
        Uuid::from_u128(number << 64),
        Uuid::from_u128((number << 64) + 1),
    )
}

type Page<T> = (Vec<T>, Option<Uuid>);

fn select<T: Clone>(all: &BTreeMap<Uuid, T>, which: &Audit) -> Page<T> {
    let chosen: Vec<(&Uuid, &T)> = match which {
        Audit::Of { ids } => all.iter().filter(|(id, _)| ids.contains(id)).collect(),
        Audit::After { id, limit } => {
            let rest = all.iter().filter(|(key, _)| Some(**key) > *id);
            rest.take(page(*limit)).collect()
        }
    };
    let next = which.next(chosen.last().map(|(id, _)| **id), chosen.len());
    (
        chosen.into_iter().map(|(_, book)| book.clone()).collect(),
        next,
    )
}

struct Books(Mutex<Script>);

#[async_trait]
impl Orders for Books {
    async fn handle(&self, _: CallContext, _: Event) -> PortResult<(), Never> {
        unreachable!()
    }

    async fn audit(&self, _: CallContext, which: Audit) -> PortResult<OrderBooks, Never> {
        let mut script = self.0.lock().unwrap();
        if script.orders_away > 0 {
            script.orders_away -= 1;
            return Err(Failure::Unavailable.into());
        }
        match &which {
            Audit::After { limit, .. } => {
                script.limits.push(*limit);
                if *limit > script.page_most {
                    return Err(Failure::Timeout.into());
                }
            }
            Audit::Of { ids } => {
                let restless = script.restless.map(|(id, _)| id);
                if restless.is_some_and(|id| ids.contains(&id)) {
                    script.look_at_restless();
                }
            }
        }
        let (orders, next) = select(&script.orders, &which);
        Ok(OrderBooks { orders, next })
    }

    async fn retell(&self, _: CallContext, _: RetellRequest) -> PortResult<(), Never> {
        unreachable!()
    }
}

#[async_trait]
impl Products for Books {
    async fn snapshot(
        &self,
        _: CallContext,
        _: SnapshotRequest,
    ) -> PortResult<Vec<ProductSnapshot>, Never> {
        Ok(Vec::new())
    }

    async fn reserve(
        &self,
        _: CallContext,
        _: ReserveRequest,
    ) -> PortResult<Reservation, ReserveRejection> {
        unreachable!()
    }

    async fn release(&self, _: CallContext, _: ReleaseRequest) -> PortResult<(), Never> {
        unreachable!()
    }

    async fn handle(&self, _: CallContext, _: Event) -> PortResult<(), EventRejection> {
        unreachable!()
    }

    async fn audit(&self, _: CallContext, which: Audit) -> PortResult<ReservationBooks, Never> {
        let script = self.0.lock().unwrap();
        let (mut reservations, next) = select(&script.reservations, &which);
        if let (Audit::Of { .. }, Some((id, overdue_s))) = (&which, script.overdue) {
            let looked_at = reservations.iter_mut();
            for hold in looked_at.filter(|hold| hold.reservation_id == id) {
                hold.overdue_s = overdue_s;
            }
        }
        Ok(ReservationBooks { reservations, next })
    }

    async fn audit_stock(&self, _: CallContext, _: Audit) -> PortResult<StockBooks, Never> {
        match self.0.lock().unwrap().stock {
            Some(failure) => Err(failure.into()),
            None => Ok(StockBooks {
                products: Vec::new(),
                next: None,
            }),
        }
    }

    async fn repair(&self, _: CallContext, _: RepairRequest) -> PortResult<(), Never> {
        unreachable!()
    }
}

fn books(script: Script) -> (Arc<Books>, Arc<dyn Orders>, Arc<dyn Products>) {
    let books = Arc::new(Books(Mutex::new(script)));
    (Arc::clone(&books), Arc::clone(&books) as _, books as _)
}

#[tokio::test]
async fn every_order_is_looked_at_and_only_what_is_certain_is_reported() {
    let mut script = Script::of_orders();
    let lost = [1, 999, 1_000, 1_001, 2_500].map(|number| script.lose(number));
    // Of the second look, it is the second reading that finds it cancelled.
    script.restless = Some((script.lose(1_500), 2));
    script.page_most = 100;
    script.orders_away = 2;
    let (books, orders, products) = books(script);
    let report = reconcile(orders, products, false, |_| {}).await.unwrap();
    let found = report.differences.iter();
    let found: Vec<_> = found.map(|found| (found.kind, found.order_id)).collect();
    let expected = lost.map(|id| (Kind::AllocationMissing, Some(id)));
    assert_eq!(found, expected);
    assert_eq!((report.total, report.in_flight), (5, 0));
    let checked = report.checked;
    assert_eq!((checked.orders, checked.reservations), (2_500, 2_494));
    let limits = std::mem::take(&mut books.0.lock().unwrap().limits);
    assert!(
        limits.starts_with(&[1_000, 500, 250, 125, 62]),
        "{limits:?}"
    );
    let late = limits.iter().filter(|limit| **limit > 100).count();
    assert!(late < 8, "{limits:?}");
}

#[tokio::test]
async fn pages_grow_again() {
    let mut script = Script::of_orders();
    script.page_most = 60;
    let (books, orders, products) = books(script);
    let walk = super::ask::Books { orders, products };
    let mut pages = std::pin::pin!(walk.orders());
    let mut seen = 0;
    while let Some(page) = futures_util::StreamExt::next(&mut pages).await {
        seen += page.unwrap().len();
        books.0.lock().unwrap().page_most = u32::MAX;
    }
    assert_eq!(seen, 2_500);
    let limits = std::mem::take(&mut books.0.lock().unwrap().limits);
    assert_eq!(limits.iter().min(), Some(&31), "{limits:?}");
    assert_eq!(limits.last(), Some(&124), "{limits:?}");
}

#[tokio::test]
async fn what_was_found_before_a_failure_is_kept() {
    let mut script = Script::of_orders();
    let lost = script.lose(1_200);
    script.stock = Some(Failure::Internal);
    let (_, orders, products) = books(script);
    let run = reconcile(orders, products, false, |_| {}).await;
    let unfinished: Unfinished = run.unwrap_err();
    assert_eq!(unfinished.report.differences[0].order_id, Some(lost));
    let document = serde_json::to_value(&unfinished).unwrap();
    assert_eq!(document["checked"]["orders"], 2_500);
    assert_eq!(document["total"], 1);
    let error = document["error"].as_str().unwrap();
    assert!(error.starts_with("products could not be asked"), "{error}");
}

#[tokio::test]
async fn a_hold_that_was_renewed_meanwhile_is_none_of_our_business() {
    for (later, total) in [(None, 0), (Some(20), 0), (Some(601), 1)] {
        let mut script = Script::of_orders();
        script.hold(later);
        let (_, orders, products) = books(script);
        let report = reconcile(orders, products, false, |_| {}).await.unwrap();
        assert_eq!(report.total, total, "{later:?}");
    }
}

/// It could be that of an order of which products has yet to hear. Repairs panic here.
#[tokio::test]
async fn a_hold_stays_while_orders_are_under_way() {
    let mut script = Script::of_orders();
    script.hold(Some(601));
    let waiting = script.lose(5);
    script.orders.get_mut(&waiting).unwrap().pending = 1;
    let (_, orders, products) = books(script);
    let report = reconcile(orders, products, true, |_| {}).await.unwrap();
    assert_eq!(
        (report.total, report.remaining, report.in_flight),
        (1, 1, 1)
    );
    assert_eq!(report.differences[0].kind, Kind::HoldOverdue);
    assert_eq!(report.differences[0].repaired, Some(false));
}
