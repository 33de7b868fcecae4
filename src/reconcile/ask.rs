//! Asking the modules for their books.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, try_unfold};
use ports::audit::{Audit, PAGE_MOST};
use ports::orders::{OrderBook, RetellRequest};
use ports::products::{
    ProductSnapshot, RepairRequest, ReservationBook, SnapshotRequest, StockBook,
};
use ports::{CallContext, Failure, Never, Orders, PortError, PortResult, Products};
use uuid::Uuid;

/// How long one call may take; peers have limits of their own.
const BUDGET: Duration = Duration::from_secs(10);
/// Before a module that is away is asked again: it may be restarted meanwhile.
const PAUSES_MS: [u64; 4] = [100, 400, 1_500, 4_000];

/// Products whose stock is locked together while it is summed up.
const REPAIRED_AT_ONCE: usize = 50;

/// Pages in time, after which a greater one is tried; one that is not costs as much as [`BUDGET`].
const TRUSTED: u32 = 16;

/// A module that does not answer, which ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{module} could not be asked: {failure}")]
pub struct Unasked {
    pub module: &'static str,
    pub failure: Failure,
}

fn of_orders(failure: Failure) -> Unasked {
    let module = "orders";
    Unasked { module, failure }
}

fn of_products(failure: Failure) -> Unasked {
    let module = "products";
    Unasked { module, failure }
}

#[derive(Clone)]
pub struct Books {
    pub orders: Arc<dyn Orders>,
    pub products: Arc<dyn Products>,
}

type Page<T> = (Vec<T>, Option<Uuid>);

impl Books {
    /// All orders, page by page.
    pub fn orders(&self) -> impl Stream<Item = Result<Vec<OrderBook>, Unasked>> {
        pages(async |which| self.order_page(which).await.map_err(of_orders))
    }

    /// All reservations that hold stock, page by page.
    pub fn reservations(&self) -> impl Stream<Item = Result<Vec<ReservationBook>, Unasked>> {
        pages(async |which| self.reservation_page(which).await.map_err(of_products))
    }

    /// All products, page by page.
    pub fn stock(&self) -> impl Stream<Item = Result<Vec<StockBook>, Unasked>> {
        pages(async |which| self.stock_page(which).await.map_err(of_products))
    }

    pub async fn orders_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, OrderBook>, Unasked> {
        let books = each(ids, async |which| self.order_page(which).await);
        let books = books.await.map_err(of_orders)?.into_iter();
        Ok(books.map(|book| (book.order_id, book)).collect())
    }

    pub async fn reservations_of(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, ReservationBook>, Unasked> {
        let books = each(ids, async |which| self.reservation_page(which).await);
        let books = books.await.map_err(of_products)?.into_iter();
        Ok(books.map(|book| (book.reservation_id, book)).collect())
    }

    pub async fn stock_of(&self, ids: &[Uuid]) -> Result<Vec<StockBook>, Unasked> {
        let books = each(ids, async |which| self.stock_page(which).await);
        books.await.map_err(of_products)
    }

    pub async fn skus(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>, Unasked> {
        let found = self.snapshot(ids).await?.into_iter();
        Ok(found
            .map(|product| (product.product_id, product.sku))
            .collect())
    }

    /// What can be sold of these products; unknown ones are left out.
    pub async fn available(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, i64>, Unasked> {
        let found = self.snapshot(ids).await?.into_iter();
        Ok(found
            .map(|product| (product.product_id, product.available))
            .collect())
    }

    async fn snapshot(&self, product_ids: Vec<Uuid>) -> Result<Vec<ProductSnapshot>, Unasked> {
        let mut found = Vec::with_capacity(product_ids.len());
        for chunk in product_ids.chunks(PAGE_MOST as usize) {
            let product_ids = chunk.to_vec();
            let request = SnapshotRequest { product_ids };
            let some = patiently(async |cx| self.products.snapshot(cx, request.clone()).await);
            found.extend(some.await.map_err(of_products)?);
        }
        Ok(found)
    }

    pub async fn retell(&self, order_ids: Vec<Uuid>) -> Result<(), Unasked> {
        let request = RetellRequest { order_ids };
        let told = patiently(async |cx| self.orders.retell(cx, request.clone()).await);
        told.await.map_err(of_orders)
    }

    /// Gives a hold back, if its time is over.
    pub async fn release(&self, reservation_id: Uuid) -> Result<(), Unasked> {
        self.ask_to_repair(&[], &[reservation_id]).await
    }

    pub async fn repair(&self, product_ids: &[Uuid]) -> Result<(), Unasked> {
        for chunk in product_ids.chunks(REPAIRED_AT_ONCE) {
            self.ask_to_repair(chunk, &[]).await?;
        }
        Ok(())
    }

    async fn ask_to_repair(&self, product_ids: &[Uuid], holds: &[Uuid]) -> Result<(), Unasked> {
        let request = RepairRequest {
            product_ids: product_ids.to_vec(),
            holds: holds.to_vec(),
        };
        let repaired = patiently(async |cx| self.products.repair(cx, request.clone()).await);
        repaired.await.map_err(of_products)
    }

    async fn order_page(&self, which: Audit) -> Result<Page<OrderBook>, Failure> {
        let books = patiently(async |cx| self.orders.audit(cx, which.clone()).await).await?;
        Ok((books.orders, books.next))
    }

    async fn reservation_page(&self, which: Audit) -> Result<Page<ReservationBook>, Failure> {
        let books = patiently(async |cx| self.products.audit(cx, which.clone()).await).await?;
        Ok((books.reservations, books.next))
    }

    async fn stock_page(&self, which: Audit) -> Result<Page<StockBook>, Failure> {
        let books = patiently(async |cx| self.products.audit_stock(cx, which.clone()).await);
        let books = books.await?;
        Ok((books.products, books.next))
    }
}

/// A page that takes too long is asked for in smaller ones, and in greater ones again when these
/// were in time for a while.
fn pages<T>(
    ask: impl AsyncFn(Audit) -> Result<Page<T>, Unasked>,
) -> impl Stream<Item = Result<Vec<T>, Unasked>> {
    struct Walk<A> {
        ask: A,
        after: Option<Uuid>,
        limit: u32,
        /// Pages in a row that were in time.
        in_time: u32,
        is_over: bool,
    }
    let walk = Walk {
        ask,
        after: None,
        limit: PAGE_MOST,
        in_time: 0,
        is_over: false,
    };
    try_unfold(walk, async |mut walk| {
        while !walk.is_over {
            let (id, limit) = (walk.after, walk.limit);
            match (walk.ask)(Audit::After { id, limit }).await {
                Ok((entries, next)) => {
                    walk.after = next;
                    walk.is_over = next.is_none();
                    walk.in_time += 1;
                    if walk.in_time >= TRUSTED {
                        (walk.limit, walk.in_time) = (PAGE_MOST.min(limit * 2), 0);
                    }
                    return Ok(Some((entries, walk)));
                }
                Err(error) if error.failure == Failure::Timeout && limit > 1 => {
                    (walk.limit, walk.in_time) = (limit / 2, 0);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    })
}

/// Those with these ids, in pages that the module has time for.
async fn each<T>(
    ids: &[Uuid],
    ask: impl AsyncFn(Audit) -> Result<Page<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut chunks: Vec<&[Uuid]> = ids.chunks(PAGE_MOST as usize).collect();
    let mut found = Vec::with_capacity(ids.len());
    while let Some(chunk) = chunks.pop() {
        let ids = chunk.to_vec();
        match ask(Audit::Of { ids }).await {
            Ok((entries, _)) => found.extend(entries),
            Err(Failure::Timeout) if chunk.len() > 1 => {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                chunks.extend([first, second]);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

async fn patiently<T>(
    mut call: impl AsyncFnMut(CallContext) -> PortResult<T, Never>,
) -> Result<T, Failure> {
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let failure = match call(CallContext::system("reconcile", BUDGET)).await {
            Ok(reply) => return Ok(reply),
            Err(PortError::Rejected(never)) => match never {},
            Err(PortError::Failed(failure)) => failure,
        };
        match (failure, pauses.next()) {
            (Failure::Unavailable, Some(pause)) => {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            _ => return Err(failure),
        }
    }
}
