//! Telling products again what became of orders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use ports::products::ReservationState;
use uuid::Uuid;

use super::ask::Unasked;
use super::orders::{BATCH, Verdict, look_again};
use super::report::{Difference, Figure, Kind};
use super::{Run, compare};

/// Before each look at what products was told again, which may wait for the relay of another
/// process.
const PAUSES_MS: [u64; 12] = [
    20, 50, 100, 200, 500, 1_000, 2_000, 2_000, 2_000, 4_000, 4_000, 4_000,
];
const NOT_COVERED: &str = "an open order without its stock, and what is left does not cover it: \
                           cancel the order, or count the goods, set what is on hand, and --repair";
const CANCELLED: &str = "the order is cancelled now: look at its history, and tell who ordered";
const NOT_HEARD: &str = "products was told again and has not heard yet: does an instance run that \
                         hosts orders?";

/// An order, and what differs of it.
type Told = (Uuid, Vec<Difference>);

/// An open order without its stock, and what it has yet to take of it.
struct Bereft {
    told: Told,
    needs: BTreeMap<Uuid, i64>,
}

impl<F: FnMut(&Difference)> Run<F> {
    /// The stock of open orders that are without it is taken again, when everything else is known
    /// that lays claim to stock.
    pub async fn mend_bereft(&mut self) -> Result<(), Unasked> {
        for batch in std::mem::take(&mut self.bereft).chunks(BATCH) {
            let mut bereft = Vec::new();
            for (id, verdict) in look_again(&self.books, batch).await? {
                match verdict {
                    Verdict::Balanced { .. } => {}
                    Verdict::UnderWay => self.report.in_flight += 1,
                    Verdict::Differs(found) if found.iter().all(is_missing) => {
                        bereft.push((id, found));
                    }
                    Verdict::Differs(found) => {
                        let found = self.unrepaired(found);
                        self.found(found).await?;
                    }
                }
            }
            self.take_again(bereft).await?;
        }
        Ok(())
    }

    /// Only of what is there: products would have an order cancelled that finds no stock, and
    /// whether goods are lost, or only miscounted, a person can tell.
    async fn take_again(&mut self, told: Vec<Told>) -> Result<(), Unasked> {
        let bereft = self.needing(told).await?;
        let stock = self.books.stock_of(&products_of(&bereft)).await?;
        let after_repair = stock.iter().map(|book| {
            let free = book.on_hand.saturating_sub(book.lines);
            (book.product_id, free)
        });
        let (covered, others) = covered(bereft, after_repair.collect());
        self.leave_to_a_person(others).await?;
        if covered.is_empty() {
            return Ok(());
        }

        // Of a reservation that is gone, `reserved` may count the lines still.
        let ids = products_of(&covered);
        let wrong = stock.iter().filter(|book| ids.contains(&book.product_id));
        let wrong: Vec<Difference> = wrong.flat_map(compare::stock).collect();
        let mut summed = self.repair_stock(wrong).await?;
        // The stock has its own turn.
        summed.retain(|found| found.repaired == Some(true));
        self.found(summed).await?;

        let available = self.books.available(ids).await?;
        let (covered, others) = self::covered(covered, available);
        self.leave_to_a_person(others).await?;
        self.retell(covered.into_iter().map(|order| order.told).collect())
            .await
    }

    /// A hold becomes the allocation that it should be, and takes nothing.
    async fn needing(&self, told: Vec<Told>) -> Result<Vec<Bereft>, Unasked> {
        let ids = told
            .iter()
            .filter_map(|(_, found)| found.first()?.reservation_id);
        let ids: Vec<Uuid> = ids.collect();
        let reservations = self.books.reservations_of(&ids).await?;
        let needs = |found: &[Difference]| {
            let id = found.first().and_then(|found| found.reservation_id);
            let reservation = id.and_then(|id| reservations.get(&id));
            match reservation.map(|reservation| reservation.state) {
                Some(ReservationState::Held) => BTreeMap::new(),
                _ => found.iter().filter_map(need).collect(),
            }
        };
        let bereft = told.into_iter().map(|told| Bereft {
            needs: needs(&told.1),
            told,
        });
        Ok(bereft.collect())
    }

    async fn leave_to_a_person(&mut self, orders: Vec<Bereft>) -> Result<(), Unasked> {
        for order in orders {
            let mut found = self.unrepaired(order.told.1);
            for found in &mut found {
                found.detail = NOT_COVERED.to_owned();
            }
            self.found(found).await?;
        }
        Ok(())
    }

    /// Tells products again, and waits until it has heard.
    pub async fn retell(&mut self, orders: Vec<Told>) -> Result<(), Unasked> {
        if orders.is_empty() {
            return Ok(());
        }
        let ids = orders.iter().map(|(id, _)| *id).collect();
        self.books.retell(ids).await?;
        let mut left = orders;
        for pause in PAUSES_MS {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            left = self.heard(left).await?;
            if left.is_empty() {
                return Ok(());
            }
        }
        for (_, before) in left {
            let mut before = self.unrepaired(before);
            for was in &mut before {
                was.detail = NOT_HEARD.to_owned();
            }
            self.found(before).await?;
        }
        Ok(())
    }

    /// Reports those that products has heard of; answers the others.
    async fn heard(&mut self, told: Vec<Told>) -> Result<Vec<Told>, Unasked> {
        let ids: Vec<Uuid> = told.iter().map(|(id, _)| *id).collect();
        let verdicts = look_again(&self.books, &ids).await?;
        let mut waiting = Vec::new();
        for ((id, mut before), (_, verdict)) in told.into_iter().zip(verdicts) {
            match verdict {
                Verdict::UnderWay => waiting.push((id, before)),
                Verdict::Differs(now) => {
                    let now = self.unrepaired(now);
                    self.found(now).await?;
                }
                Verdict::Balanced { is_cancelled } => {
                    for was in &mut before {
                        was.repaired = Some(true);
                        if is_cancelled && is_missing(was) {
                            was.detail = CANCELLED.to_owned();
                        }
                    }
                    self.found(before).await?;
                }
            }
        }
        Ok(waiting)
    }
}

fn is_missing(found: &Difference) -> bool {
    found.kind == Kind::AllocationMissing
}

fn need(found: &Difference) -> Option<(Uuid, i64)> {
    match found.expected {
        Figure::Number(quantity) => Some((found.product_id?, quantity)),
        Figure::Word(_) => None,
    }
}

fn products_of(orders: &[Bereft]) -> Vec<Uuid> {
    let ids = orders.iter().flat_map(|order| order.needs.keys().copied());
    let ids: BTreeSet<Uuid> = ids.collect();
    ids.into_iter().collect()
}

/// Those that find all they need when one after the other takes it; and the others.
fn covered(orders: Vec<Bereft>, mut free: HashMap<Uuid, i64>) -> (Vec<Bereft>, Vec<Bereft>) {
    orders.into_iter().partition(|order| {
        let is_free = |(id, quantity)| free.get(id).is_some_and(|free| free >= quantity);
        let is_covered = order.needs.iter().all(is_free);
        for (id, quantity) in order.needs.iter().filter(|_| is_covered) {
            free.entry(*id).and_modify(|free| *free -= quantity);
        }
        is_covered
    })
}
