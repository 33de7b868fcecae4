//! Reservations that hold stock, and the stock itself.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt};
use ports::orders::OrderBook;
use ports::products::{ReservationBook, ReservationState};
use uuid::Uuid;

use super::ask::{Books, Unasked};
use super::report::{Difference, Kind};
use super::{Run, compare};

const AHEAD: usize = 2;
/// How long after its end a hold may still be there; it is swept every second.
const OVERDUE_MOST_S: i64 = 300;
const AWAITED: &str = "orders are under way, and one of them may yet come for this hold: --repair \
                       again when products has heard of them";
const CONTESTED: &str = "what an order should hold of this product is in question: settle the \
                         allocation_… differences that name it, then --repair";

impl<F: FnMut(&Difference)> Run<F> {
    pub async fn check_reservations(&mut self) -> Result<(), Unasked> {
        let books = self.books.clone();
        let pages = books.reservations();
        let judged = pages.map_ok(async |page| {
            let in_vain = in_vain(&books, &page).await?;
            Ok((page.len() as u64, in_vain))
        });
        let mut judged = std::pin::pin!(judged.try_buffered(AHEAD));
        while let Some(page) = judged.next().await {
            let (reservations, in_vain) = page?;
            self.report.checked.reservations += reservations;
            for (kind, reservation) in in_vain {
                let mut found = self.unrepaired(compare::held_in_vain(kind, &reservation));
                if self.repair && kind == Kind::HoldOverdue {
                    self.release(&reservation, &mut found).await?;
                }
                self.found(found).await?;
            }
        }
        Ok(())
    }

    /// Unless it may be that of an order of which products has yet to hear.
    async fn release(
        &self,
        hold: &ReservationBook,
        found: &mut [Difference],
    ) -> Result<(), Unasked> {
        if self.report.in_flight > 0 {
            for found in found {
                found.detail = AWAITED.to_owned();
            }
            return Ok(());
        }
        let id = hold.reservation_id;
        self.books.release(id).await?;
        let now = self.books.reservations_of(&[id]).await?;
        let is_gone = now.get(&id).is_none_or(|now| now.overdue_s.is_none());
        for found in found {
            found.repaired = Some(is_gone);
        }
        Ok(())
    }

    pub async fn check_stock(&mut self) -> Result<(), Unasked> {
        let books = self.books.clone();
        let mut pages = std::pin::pin!(books.stock());
        while let Some(page) = pages.next().await {
            let page = page?;
            self.report.checked.products += page.len() as u64;
            let found: Vec<Difference> = page.iter().flat_map(compare::stock).collect();
            if found.is_empty() {
                continue;
            }
            let found = match self.repair {
                true => self.repair_stock(found).await?,
                false => found,
            };
            self.found(found).await?;
        }
        Ok(())
    }

    /// `reserved` of what is contested is not lowered: what is sold to somebody would be sold again.
    pub async fn repair_stock(
        &self,
        mut found: Vec<Difference>,
    ) -> Result<Vec<Difference>, Unasked> {
        let lowered = found
            .iter()
            .filter(|found| found.kind == Kind::Reserved && found.expected < found.found);
        let lowered = lowered.filter_map(|found| found.product_id);
        let left_out: HashSet<Uuid> = lowered.filter(|id| self.contested.has(*id)).collect();
        let ids = found.iter().filter_map(|found| found.product_id);
        let mut ids: Vec<Uuid> = ids.filter(|id| !left_out.contains(id)).collect();
        ids.dedup();
        self.books.repair(&ids).await?;
        let now = self.books.stock_of(&ids).await?;
        let left: Vec<Difference> = now.iter().flat_map(compare::stock).collect();
        for was in &mut found {
            let is_left =
                |now: &Difference| now.kind == was.kind && now.product_id == was.product_id;
            let is_left_out = was.product_id.is_some_and(|id| left_out.contains(&id));
            if is_left_out {
                was.detail = CONTESTED.to_owned();
            }
            was.repaired = Some(!is_left_out && !left.iter().any(is_left));
        }
        Ok(found)
    }
}

/// Why a reservation should not hold stock, among these orders.
fn kind(found: &ReservationBook, orders: &HashMap<Uuid, OrderBook>) -> Option<Kind> {
    match found.state {
        ReservationState::Closed => Some(Kind::ClosedHoldsStock),
        ReservationState::Held => found
            .overdue_s
            .filter(|seconds| *seconds > OVERDUE_MOST_S)
            .map(|_| Kind::HoldOverdue),
        ReservationState::Allocated => {
            let order = found.order_id.and_then(|id| orders.get(&id));
            let is_its = order.is_some_and(|order| order.reservation_id == found.reservation_id);
            (!is_its).then_some(Kind::AllocationWithoutOrder)
        }
    }
}

/// Those of a page that hold stock for nobody. An order is there before anything is allocated to it,
/// so that an allocation whose order is not there afterwards has none.
async fn in_vain(
    books: &Books,
    page: &[ReservationBook],
) -> Result<Vec<(Kind, ReservationBook)>, Unasked> {
    let allocated = page
        .iter()
        .filter(|found| found.state == ReservationState::Allocated);
    let order_ids: Vec<Uuid> = allocated.filter_map(|found| found.order_id).collect();
    let orders = books.orders_of(&order_ids).await?;
    let suspects: HashMap<Uuid, Kind> = page
        .iter()
        .filter_map(|found| Some((found.reservation_id, kind(found, &orders)?)))
        .collect();
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = suspects.keys().copied().collect();
    let again = books.reservations_of(&ids).await?;
    let stands = page.iter().filter_map(|then| {
        let kind = suspects.get(&then.reservation_id)?;
        let now = again.get(&then.reservation_id)?;
        let still = self::kind(now, &orders) == Some(*kind) && !now.lines.is_empty();
        still.then(|| (*kind, now.clone()))
    });
    Ok(stands.collect())
}
