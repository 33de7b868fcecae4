//! Orders, their own books, and their reservations.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use ports::orders::{OrderBook, OrderStatus};
use uuid::Uuid;

use super::ask::{Books, Unasked};
use super::report::{Difference, Kind, Remedy};
use super::{Run, compare};

/// Pages that are held against each other while the next one is read.
const AHEAD: usize = 2;
/// Suspects that are looked at together.
pub const BATCH: usize = 500;
/// Orders under way that are remembered, to be looked at again; others are only counted.
const UNSETTLED_MOST: usize = 10_000;
/// Between two looks at what was under way.
const PAUSES_MS: [u64; 6] = [50, 100, 200, 400, 800, 1_600];

/// What a second look says.
pub enum Verdict {
    /// Nothing, or nothing any more.
    Balanced {
        is_cancelled: bool,
    },
    Differs(Vec<Difference>),
    UnderWay,
}

/// A page against the reservations of its orders.
struct Compared {
    orders: u64,
    /// Of the orders by themselves; certain.
    faults: Vec<Difference>,
    /// Orders to look at again.
    suspects: Vec<Uuid>,
}

impl<F: FnMut(&Difference)> Run<F> {
    pub async fn check_orders(&mut self) -> Result<(), Unasked> {
        let books = self.books.clone();
        let pages = books.orders();
        let compared = pages.map_ok(|page| compared(&books, page));
        let mut compared = std::pin::pin!(compared.try_buffered(AHEAD));
        let (mut suspects, mut unsettled) = (Vec::new(), Vec::new());
        while let Some(page) = compared.next().await {
            let page = page?;
            self.report.checked.orders += page.orders;
            let faults = self.unrepaired(page.faults);
            self.found(faults).await?;
            suspects.extend(page.suspects);
            if suspects.len() >= BATCH {
                self.judge_all(&mut suspects, &mut unsettled).await?;
            }
        }
        self.judge_all(&mut suspects, &mut unsettled).await?;
        self.wait_for(unsettled).await?;
        self.mend_bereft().await
    }

    async fn judge_all(
        &mut self,
        suspects: &mut Vec<Uuid>,
        unsettled: &mut Vec<Uuid>,
    ) -> Result<(), Unasked> {
        for batch in std::mem::take(suspects).chunks(BATCH) {
            for id in self.judge(batch).await? {
                match unsettled.len() < UNSETTLED_MOST {
                    true => unsettled.push(id),
                    false => self.report.in_flight += 1,
                }
            }
        }
        Ok(())
    }

    /// Reports, and repairs, what is certain of these orders; answers the others.
    async fn judge(&mut self, order_ids: &[Uuid]) -> Result<Vec<Uuid>, Unasked> {
        let (mut under_way, mut certain, mut to_retell) = (Vec::new(), Vec::new(), Vec::new());
        for (id, verdict) in look_again(&self.books, order_ids).await? {
            match verdict {
                Verdict::Balanced { .. } => {}
                Verdict::UnderWay => under_way.push(id),
                Verdict::Differs(differences) => {
                    let kind = differences.first().map(|first| first.kind);
                    match kind.filter(|kind| kind.remedy() == Remedy::Retell && self.repair) {
                        Some(Kind::AllocationMissing) if self.bereft.len() < UNSETTLED_MOST => {
                            self.bereft.push(id);
                        }
                        Some(Kind::AllocationMissing) | None => certain.extend(differences),
                        Some(_) => to_retell.push((id, differences)),
                    }
                }
            }
        }
        let certain = self.unrepaired(certain);
        self.found(certain).await?;
        self.retell(to_retell).await?;
        Ok(under_way)
    }

    /// Looks again, as long as it may help, at orders that were under way.
    async fn wait_for(&mut self, mut unsettled: Vec<Uuid>) -> Result<(), Unasked> {
        for pause in PAUSES_MS {
            if unsettled.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let mut left = Vec::new();
            for batch in unsettled.chunks(BATCH) {
                left.extend(self.judge(batch).await?);
            }
            unsettled = left;
        }
        self.report.in_flight += unsettled.len() as u64;
        Ok(())
    }
}

async fn compared(books: &Books, page: Vec<OrderBook>) -> Result<Compared, Unasked> {
    let ids: Vec<Uuid> = page.iter().map(|order| order.reservation_id).collect();
    let reservations = books.reservations_of(&ids).await?;
    let differs = |order: &&OrderBook| {
        let reservation = reservations.get(&order.reservation_id);
        compare::stuck(order).is_some()
            || !compare::order_and_reservation(order, reservation).is_empty()
    };
    let suspects = page.iter().filter(differs).map(|order| order.order_id);
    Ok(Compared {
        orders: page.len() as u64,
        faults: page.iter().flat_map(compare::order_alone).collect(),
        suspects: suspects.collect(),
    })
}

/// The orders, their reservations, and the orders again.
pub async fn look_again(
    books: &Books,
    order_ids: &[Uuid],
) -> Result<Vec<(Uuid, Verdict)>, Unasked> {
    let before = books.orders_of(order_ids).await?;
    let reservation_ids: Vec<Uuid> = before.values().map(|order| order.reservation_id).collect();
    let reservations = books.reservations_of(&reservation_ids).await?;
    let after = books.orders_of(order_ids).await?;
    let verdict = |id: &Uuid| {
        let (Some(before), Some(after)) = (before.get(id), after.get(id)) else {
            return Verdict::Balanced {
                is_cancelled: false,
            };
        };
        let differences =
            compare::order_and_reservation(after, reservations.get(&after.reservation_id));
        if let (Some(_), Some(stuck)) = (compare::stuck(before), compare::stuck(after)) {
            return Verdict::Differs(vec![stuck]);
        }
        match before == after {
            _ if differences.is_empty() && after.parked == 0 => Verdict::Balanced {
                is_cancelled: after.status == OrderStatus::Cancelled,
            },
            true if after.is_settled() => Verdict::Differs(differences),
            _ => Verdict::UnderWay,
        }
    };
    Ok(order_ids.iter().map(|id| (*id, verdict(id))).collect())
}
