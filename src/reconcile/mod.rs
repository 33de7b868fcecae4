//! Proves the books across databases: what orders says its orders hold against what products says
//! is held for them, and the stock against what it is made of. Only through the ports, so wherever
//! the modules run, and while they are at work.
//!
//! Two modules cannot be read at one moment. What differs is looked at again: the order, then its
//! reservation, then the order. Only when the order was the same before and after, and products had
//! heard of all that became of it, does a difference stand. Everything else is under way.

mod ask;
mod compare;
mod mend;
mod orders;
mod report;
mod stock;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use ports::{Orders, Products};
use uuid::Uuid;

use ask::Books;
pub use ask::Unasked;
pub use report::{Checked, Difference, Figure, Kind, Remedy, Report, Unfinished};

/// Products that are remembered as contested.
const CONTESTED_MOST: usize = 100_000;

/// Walks the books once. `tell` hears of each difference as it is found; with `repair`, when it is
/// known whether it could be repaired.
///
/// Takes memory for a few pages, however many orders there are. Dropping it ends it: every repair is
/// a call of its own.
pub async fn reconcile(
    orders: Arc<dyn Orders>,
    products: Arc<dyn Products>,
    repair: bool,
    tell: impl FnMut(&Difference),
) -> Result<Report, Unfinished> {
    let mut run = Run {
        books: Books { orders, products },
        repair,
        bereft: Vec::new(),
        contested: Contested::default(),
        report: Report::default(),
        tell,
    };
    match run.check().await {
        Ok(()) => Ok(run.report),
        Err(cause) => Err(Unfinished {
            report: run.report,
            cause,
        }),
    }
}

struct Run<F> {
    books: Books,
    repair: bool,
    /// Open orders without their stock.
    bereft: Vec<Uuid>,
    contested: Contested,
    report: Report,
    tell: F,
}

/// Products of which an order has another idea than products, and nobody could settle it. That their
/// `reserved` is not the sum of the lines may be the last trace of what is sold.
#[derive(Default)]
struct Contested {
    products: HashSet<Uuid>,
    /// There were too many: it may be any.
    is_full: bool,
}

impl Contested {
    fn add(&mut self, product_id: Uuid) {
        match self.products.len() < CONTESTED_MOST {
            true => drop(self.products.insert(product_id)),
            false => self.is_full = true,
        }
    }

    fn has(&self, product_id: Uuid) -> bool {
        self.is_full || self.products.contains(&product_id)
    }
}

impl<F: FnMut(&Difference)> Run<F> {
    async fn check(&mut self) -> Result<(), Unasked> {
        self.check_orders().await?;
        self.check_reservations().await?;
        self.check_stock().await
    }

    /// Gives products their names, for people.
    async fn found(&mut self, mut differences: Vec<Difference>) -> Result<(), Unasked> {
        let nameless = differences.iter().filter(|found| found.sku.is_none());
        let ids: BTreeSet<Uuid> = nameless.filter_map(|found| found.product_id).collect();
        if !ids.is_empty() {
            let skus = self.books.skus(ids.into_iter().collect()).await?;
            for found in &mut differences {
                if let (None, Some(id)) = (&found.sku, &found.product_id) {
                    found.sku = skus.get(id).cloned();
                }
            }
        }
        for difference in differences {
            if difference.kind.is_claim() && difference.repaired != Some(true) {
                difference
                    .product_id
                    .iter()
                    .for_each(|id| self.contested.add(*id));
            }
            (self.tell)(&difference);
            self.report.add(difference);
        }
        Ok(())
    }

    /// What nobody but a person repairs is said not to be.
    fn unrepaired(&self, mut differences: Vec<Difference>) -> Vec<Difference> {
        for difference in &mut differences {
            difference.repaired = self.repair.then_some(false);
        }
        differences
    }
}
