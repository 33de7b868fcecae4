use ports::audit::{Audit, page};
use ports::products::{
    ClosedAs, ReservationBook, ReservationBooks, ReservationState, ReserveLine, ReservedLine,
    StockBook, StockBooks,
};
use uuid::Uuid;

use super::fake::{Entry, State};

/// What `reserved` is off by, and the sum of the movements.
#[derive(Clone, Copy, Default)]
pub struct Skew {
    pub reserved: i64,
    pub movements: i64,
}

impl State {
    pub fn reservation_books(&self, which: &Audit) -> ReservationBooks {
        let all = self
            .reservations
            .iter()
            .map(|(id, entry)| self.book(*id, entry));
        let reservations: Vec<_> = match which {
            Audit::Of { ids } => all
                .filter(|book| ids.contains(&book.reservation_id))
                .collect(),
            Audit::After { id, limit } => all
                .filter(|book| !book.lines.is_empty() && Some(book.reservation_id) > *id)
                .take(page(*limit))
                .collect(),
        };
        let last = reservations.last().map(|book| book.reservation_id);
        let next = which.next(last, reservations.len());
        ReservationBooks { reservations, next }
    }

    fn book(&self, reservation_id: Uuid, entry: &Entry) -> ReservationBook {
        let (state, closed_as, lines): (_, _, &[ReservedLine]) = match entry {
            Entry::Held(lines) => (ReservationState::Held, None, lines),
            Entry::Allocated(lines) => (ReservationState::Allocated, None, lines),
            Entry::Closed => (
                ReservationState::Closed,
                Some(self.closed_as(reservation_id)),
                &[],
            ),
        };
        let line = |line: &ReservedLine| ReserveLine {
            product_id: line.product_id,
            quantity: line.quantity,
        };
        ReservationBook {
            reservation_id,
            state,
            closed_as,
            order_id: self.order_ids.get(&reservation_id).copied(),
            overdue_s: None,
            lines: lines.iter().map(line).collect(),
        }
    }

    fn closed_as(&self, reservation_id: Uuid) -> ClosedAs {
        match self.shipped.contains(&reservation_id) {
            true => ClosedAs::Shipped,
            false => ClosedAs::Released,
        }
    }

    pub fn stock_books(&self, which: &Audit) -> StockBooks {
        let all = self.products.keys().map(|id| self.stock_book(*id));
        let products: Vec<_> = match which {
            Audit::Of { ids } => all.filter(|book| ids.contains(&book.product_id)).collect(),
            Audit::After { id, limit } => all
                .filter(|book| Some(book.product_id) > *id)
                .take(page(*limit))
                .collect(),
        };
        let last = products.last().map(|book| book.product_id);
        let next = which.next(last, products.len());
        StockBooks { products, next }
    }

    fn stock_book(&self, product_id: Uuid) -> StockBook {
        let skew = self.skews.get(&product_id).copied().unwrap_or_default();
        let (on_hand, lines) = (
            self.products[&product_id].on_hand,
            self.reserved(product_id),
        );
        StockBook {
            product_id,
            sku: product_id.to_string(),
            on_hand,
            reserved: lines + skew.reserved,
            lines,
            movements: on_hand + skew.movements,
        }
    }

    pub fn repair(&mut self, product_id: Uuid) {
        self.skews.remove(&product_id);
    }
}
