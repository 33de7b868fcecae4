//! One entry against another; nothing is asked here.

use std::collections::BTreeMap;

use ports::orders::{OrderBook, OrderFault, OrderStatus};
use ports::products::{ClosedAs, ReservationBook, ReservationState, ReserveLine, StockBook};
use uuid::Uuid;

use super::report::{Difference, Figure, Kind};

/// Failed attempts from which on an event is more than unlucky.
const FAILING: i32 = 3;

/// What an order says of itself.
pub fn order_alone(order: &OrderBook) -> Vec<Difference> {
    let difference = |fault: &OrderFault| {
        let (kind, expected, found): (_, Figure, Figure) = match fault {
            OrderFault::Total { lines, order } => {
                (Kind::OrderTotal, (*lines).into(), (*order).into())
            }
            OrderFault::Status { history, order } => {
                let last = history.as_deref().unwrap_or("none");
                (Kind::OrderStatus, last.into(), order.as_str().into())
            }
            OrderFault::Steps { history, order } => {
                (Kind::OrderSteps, (*history).into(), (*order).into())
            }
        };
        of_order(order, Difference::new(kind, expected, found))
    };
    order.faults.iter().map(difference).collect()
}

/// What keeps products from hearing of an order, and does not end by itself.
pub fn stuck(order: &OrderBook) -> Option<Difference> {
    let (kind, found) = match order {
        OrderBook { parked: 1.., .. } => (Kind::EventParked, order.parked),
        OrderBook {
            attempts: FAILING..,
            ..
        } => (Kind::EventFailing, order.attempts.into()),
        _ => return None,
    };
    Some(of_order(order, Difference::new(kind, 0, found)))
}

/// What an order wants of its reservation, and what that is. `None`: there is none.
pub fn order_and_reservation(
    order: &OrderBook,
    reservation: Option<&ReservationBook>,
) -> Vec<Difference> {
    let compare = match order.status.is_open() {
        true => open,
        false => over,
    };
    let differences = compare(order, reservation).into_iter();
    differences.map(|found| of_order(order, found)).collect()
}

fn open(order: &OrderBook, reservation: Option<&ReservationBook>) -> Vec<Difference> {
    let wanted = sums(&order.lines);
    let (kind, has) = match reservation {
        Some(found) if found.state == ReservationState::Allocated => {
            if found.order_id != Some(order.order_id) {
                return vec![of_another(order, found)];
            }
            (Kind::AllocationDiffers, sums(&found.lines))
        }
        Some(found) if found.state == ReservationState::Closed => {
            (Kind::AllocationClosed, BTreeMap::new())
        }
        // A hold is no allocation: it expires.
        Some(_) | None => (Kind::AllocationMissing, BTreeMap::new()),
    };
    differing(kind, &wanted, &has)
}

fn over(order: &OrderBook, reservation: Option<&ReservationBook>) -> Vec<Difference> {
    let Some(found) = reservation else {
        // What was shipped is closed, and is kept; of what was cancelled there may never have been any.
        return match order.status.is_shipped() {
            true => vec![Difference::new(Kind::ClosedAs, "shipped", "none")],
            false => Vec::new(),
        };
    };
    if found.state == ReservationState::Closed {
        let expected = match order.status {
            OrderStatus::Cancelled => ClosedAs::Released,
            _ => ClosedAs::Shipped,
        };
        return match found.closed_as {
            Some(closed_as) if closed_as != expected => {
                let (expected, closed_as) = (word(expected), word(closed_as));
                vec![Difference::new(Kind::ClosedAs, expected, closed_as)]
            }
            _ => Vec::new(),
        };
    }
    // What is only held is not what was shipped, and products would not hear that it was.
    if found.state == ReservationState::Held && order.status.is_shipped() {
        return vec![Difference::new(Kind::ClosedAs, "shipped", "held")];
    }
    if found.order_id.is_some_and(|id| id != order.order_id) {
        return vec![of_another(order, found)];
    }
    match found.lines.is_empty() {
        true => vec![Difference::new(Kind::AllocationLeft, "closed", "open")],
        false => differing(Kind::AllocationLeft, &BTreeMap::new(), &sums(&found.lines)),
    }
}

fn of_another(order: &OrderBook, found: &ReservationBook) -> Difference {
    let other = found.order_id.map_or("none".into(), |id| id.to_string());
    Difference::new(Kind::AllocationOfAnother, order.order_id.to_string(), other)
}

const fn word(closed_as: ClosedAs) -> &'static str {
    match closed_as {
        ClosedAs::Released => "released",
        ClosedAs::Shipped => "shipped",
    }
}

/// What a reservation holds that should hold nothing.
pub fn held_in_vain(kind: Kind, reservation: &ReservationBook) -> Vec<Difference> {
    let mut found = differing(kind, &BTreeMap::new(), &sums(&reservation.lines));
    for difference in &mut found {
        difference.order_id = reservation.order_id;
        difference.reservation_id = Some(reservation.reservation_id);
    }
    found
}

/// The stock of a product against what it is made of.
pub fn stock(book: &StockBook) -> Vec<Difference> {
    [
        (Kind::Reserved, book.lines, book.reserved),
        (Kind::OnHand, book.movements, book.on_hand),
    ]
    .into_iter()
    .filter(|(_, expected, found)| expected != found)
    .map(|(kind, expected, found)| Difference {
        product_id: Some(book.product_id),
        sku: Some(book.sku.clone()),
        ..Difference::new(kind, expected, found)
    })
    .collect()
}

fn of_order(order: &OrderBook, difference: Difference) -> Difference {
    Difference {
        order_id: Some(order.order_id),
        number: Some(order.number.clone()),
        reservation_id: Some(order.reservation_id),
        ..difference
    }
}

type Sums = BTreeMap<Uuid, i64>;

fn sums(lines: &[ReserveLine]) -> Sums {
    let mut sums = Sums::new();
    for line in lines {
        let sum = sums.entry(line.product_id).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    sums
}

fn differing(kind: Kind, expected: &Sums, found: &Sums) -> Vec<Difference> {
    let products: BTreeMap<&Uuid, ()> = expected
        .keys()
        .chain(found.keys())
        .map(|id| (id, ()))
        .collect();
    let of = |sums: &Sums, id| sums.get(id).copied().unwrap_or_default();
    products
        .into_keys()
        .map(|id| (id, of(expected, id), of(found, id)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(id, expected, found)| Difference {
            product_id: Some(*id),
            ..Difference::new(kind, expected, found)
        })
        .collect()
}
