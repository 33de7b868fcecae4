use ports::products::{ClosedAs, ReservationBook, ReservationState, StockBook};

use super::fake_books::Skew;
use super::*;

on_every_adapter! { Fake, Module:
    shows_what_holds_stock_page_by_page,
    shows_reservations_by_their_ids,
    shows_the_stock_and_what_it_is_made_of,
    repairs_the_stock_and_only_what_is_wrong,
}

/// The books, besides what the shop does to them.
trait Skewed: ProductsWorld {
    async fn skew(&self, product_id: Uuid, skew: Skew);
}

impl Skewed for Fake {
    async fn skew(&self, product_id: Uuid, skew: Skew) {
        self.state.lock().unwrap().skews.insert(product_id, skew);
    }
}

impl Skewed for Module {
    async fn skew(&self, product_id: Uuid, skew: Skew) {
        sqlx::query(
            "with movement as (
               insert into stock_movements (product_id, delta, reason)
               select $1, $3, 'past the shop' where $3 <> 0
             )
             update stock set reserved = reserved + $2 where product_id = $1",
        )
        .bind(product_id)
        .bind(skew.reserved)
        .bind(skew.movements)
        .execute(&self.database.aside)
        .await
        .unwrap();
    }
}

fn of(ids: &[Uuid]) -> Audit {
    Audit::Of { ids: ids.to_vec() }
}

impl<W: ProductsWorld> Bench<W> {
    async fn book(&self, id: Uuid) -> Option<ReservationBook> {
        let mut books = self.port.audit(cx(), of(&[id])).await.unwrap();
        assert_eq!(books.next, None);
        books.reservations.pop()
    }

    async fn stock_book(&self, id: Uuid) -> StockBook {
        let mut books = self.port.audit_stock(cx(), of(&[id])).await.unwrap();
        books.products.pop().unwrap()
    }
}

async fn shows_what_holds_stock_page_by_page(bench: &Bench<impl ProductsWorld>) {
    let (sofa, chair) = (bench.sofas(50).await, bench.sofas(50).await);
    let baskets: Vec<_> = (1..=5)
        .map(|n| Basket::of(&[(sofa, n), (chair, 1)]))
        .collect();
    for basket in &baskets {
        bench.reserve(basket).await.unwrap();
    }
    bench.handle(&baskets[1].placed()).await.unwrap();
    bench.handle(&baskets[2].cancelled()).await.unwrap();
    let mut expected: Vec<_> = [0, 1, 3, 4]
        .map(|n: usize| baskets[n].reservation_id)
        .to_vec();
    expected.sort_unstable();
    for limit in [1, 2, 1_000] {
        let (mut seen, mut id) = (Vec::new(), None);
        loop {
            let page = bench
                .port
                .audit(cx(), Audit::After { id, limit })
                .await
                .unwrap();
            assert!(page.reservations.len() <= limit as usize);
            seen.extend(page.reservations);
            id = page.next;
            if id.is_none() {
                break;
            }
        }
        let ids: Vec<_> = seen.iter().map(|book| book.reservation_id).collect();
        assert_eq!(ids, expected, "pages of {limit}");
        assert!(seen.iter().all(|book| book.lines.len() == 2));
    }
}

async fn shows_reservations_by_their_ids(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(50).await;
    let basket = Basket::of(&[(sofa, 3)]);
    assert_eq!(bench.book(basket.reservation_id).await, None);
    let book = |state, order_id, closed_as, lines: &[ReserveLine]| {
        Some(ReservationBook {
            reservation_id: basket.reservation_id,
            state,
            closed_as,
            order_id,
            overdue_s: None,
            lines: lines.to_vec(),
        })
    };
    bench.reserve(&basket).await.unwrap();
    let held = book(ReservationState::Held, None, None, &basket.lines);
    assert_eq!(bench.book(basket.reservation_id).await, held);
    bench.handle(&basket.placed()).await.unwrap();
    let order_id = Some(basket.order_id);
    let allocated = book(ReservationState::Allocated, order_id, None, &basket.lines);
    assert_eq!(bench.book(basket.reservation_id).await, allocated);
    bench.handle(&basket.cancelled()).await.unwrap();
    let released = Some(ClosedAs::Released);
    let closed = book(ReservationState::Closed, order_id, released, &[]);
    assert_eq!(bench.book(basket.reservation_id).await, closed);

    let left = Basket::of(&[(sofa, 2)]);
    bench.reserve(&left).await.unwrap();
    for event in [left.placed(), left.shipped()] {
        bench.handle(&event).await.unwrap();
    }
    let left = bench.book(left.reservation_id).await.unwrap();
    assert_eq!(left.closed_as, Some(ClosedAs::Shipped));
    let stock = bench.stock_book(sofa).await;
    assert_eq!((stock.on_hand, stock.movements, stock.lines), (48, 48, 0));
}

async fn shows_the_stock_and_what_it_is_made_of(bench: &Bench<impl ProductsWorld>) {
    let sofa = bench.sofas(50).await;
    for quantity in [3, 4] {
        bench
            .reserve(&Basket::of(&[(sofa, quantity)]))
            .await
            .unwrap();
    }
    let expected = StockBook {
        product_id: sofa,
        sku: sofa.to_string(),
        on_hand: 50,
        reserved: 7,
        lines: 7,
        movements: 50,
    };
    assert_eq!(bench.stock_book(sofa).await, expected);
    let mut products = [sofa, bench.sofas(1).await, bench.sofas(2).await];
    products.sort_unstable();
    let (mut seen, mut id) = (Vec::new(), None);
    loop {
        let limit = 2;
        let page = bench
            .port
            .audit_stock(cx(), Audit::After { id, limit })
            .await
            .unwrap();
        seen.extend(page.products.into_iter().map(|book| book.product_id));
        id = page.next;
        if id.is_none() {
            break;
        }
    }
    assert_eq!(seen, products);
}

async fn repairs_the_stock_and_only_what_is_wrong(bench: &Bench<impl Skewed>) {
    let (sofa, chair) = (bench.sofas(50).await, bench.sofas(50).await);
    bench
        .reserve(&Basket::of(&[(sofa, 3), (chair, 4)]))
        .await
        .unwrap();
    // Its time is not over.
    let live = Basket::of(&[(sofa, 2)]);
    bench.reserve(&live).await.unwrap();
    let before = (bench.stock_book(sofa).await, bench.stock_book(chair).await);
    let skew = Skew {
        reserved: 5,
        movements: -7,
    };
    bench.world.skew(sofa, skew).await;
    let skewed = bench.stock_book(sofa).await;
    assert_eq!((skewed.reserved, skewed.movements), (10, 43));
    for _ in 0..2 {
        let product_ids = vec![sofa, chair, Uuid::now_v7()];
        let repair = RepairRequest {
            product_ids,
            holds: vec![live.reservation_id],
        };
        assert_eq!(bench.port.repair(cx(), repair).await, Ok(()));
        let after = (bench.stock_book(sofa).await, bench.stock_book(chair).await);
        assert_eq!(after, before);
    }
}
