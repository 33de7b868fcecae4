//! Proves the books across databases: what orders says its orders hold against what products says
//! is held for them, and the stock against what it is made of. Only through the ports, so wherever
//! the modules run, and while they are at work.
//!
//! Two modules cannot be read at one moment. What differs is looked at again: the order, then its
//! reservation, then the order. Only when the order was the same before and after, and products had
//! heard of all that became of it, does a difference stand. Everything else is under way.

mod ask;
mod compare;
mod orders;
mod report;
mod stock;

use std::collections::BTreeSet;
use std::sync::Arc;

use ports::{Orders, Products};
use uuid::Uuid;

use ask::Books;
pub use ask::Unasked;
pub use report::{Checked, Difference, Figure, Kind, Remedy, Report};

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
) -> Result<Report, Unasked> {
    let mut run = Run {
        books: Books { orders, products },
        repair,
        report: Report::default(),
        tell,
    };
    run.check_orders().await?;
    run.check_reservations().await?;
    run.check_stock().await?;
    Ok(run.report)
}

struct Run<F> {
    books: Books,
    repair: bool,
    report: Report,
    tell: F,
}

impl<F: FnMut(&Difference)> Run<F> {
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
