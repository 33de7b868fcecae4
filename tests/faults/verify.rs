//! Once nothing goes wrong any more: the books balance, and everybody was told the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cleave::settings::Module;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::actors::ON_HAND;
use crate::guests::NAME;
use crate::ledger::{Book, Ledger};
use crate::support::{expect_balanced_books, within};
use crate::town::{MODULES_WITH_EVENTS, Town};

/// As long as a lease of a dead relay, and what is retried with pauses.
const SETTLES: Duration = Duration::from_secs(90);

pub struct Hand<'a> {
    pub ledger: &'a Ledger,
    /// Ids, by number.
    pub products: &'a [String],
}

#[derive(FromRow)]
struct Order {
    id: Uuid,
    note: Option<String>,
    status: String,
    reservation_id: Uuid,
    /// `status` of each step, in order.
    history: Vec<String>,
    product_ids: Vec<Uuid>,
    quantities: Vec<i64>,
}

async fn count(db: &mut PgConnection, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(db).await.unwrap()
}

/// Events are delivered, holds are over.
pub async fn settle(town: &Town) {
    for module in MODULES_WITH_EVENTS {
        let mut db = town.connect(module).await;
        // Leases of dead relays run out now rather than in half a minute.
        sqlx::query("update outbox set due_at = now() where due_at < 'infinity'")
            .execute(&mut db)
            .await
            .unwrap();
        within(SETTLES, "every event is delivered", async || {
            let parked = "select count(*) from outbox where parked_at is not null";
            assert_eq!(count(&mut db, parked).await, 0, "parked events of {module}");
            count(&mut db, "select count(*) from outbox").await == 0
        })
        .await;
    }
    let mut db = town.connect(Module::Orders).await;
    within(SETTLES, "unpaid orders are cancelled", async || {
        let waiting = "select (select count(*) from orders where status = 'placed')
                            + (select count(*) from outbox)";
        count(&mut db, waiting).await == 0
    })
    .await;
    let mut db = town.connect(Module::Products).await;
    within(
        SETTLES,
        "holds without an order are given back",
        async || {
            count(
                &mut db,
                "select count(*) from reservations where state = 'held'",
            )
            .await
                == 0
        },
    )
    .await;
}

impl Hand<'_> {
    /// Panics at the first promise that was broken.
    pub async fn verify(&self, town: &Town) {
        let mut orders_db = town.connect(Module::Orders).await;
        let mut products_db = town.connect(Module::Products).await;
        let orders: Vec<Order> = sqlx::query_as(
            "select id, note, status, reservation_id,
                    array(select h.status from order_history h where h.order_id = o.id
                          order by step) as history,
                    array(select i.product_id from order_items i where i.order_id = o.id
                          order by line) as product_ids,
                    array(select i.quantity from order_items i where i.order_id = o.id
                          order by line) as quantities
             from orders o",
        )
        .fetch_all(&mut orders_db)
        .await
        .unwrap();
        self.everybody_was_told_the_truth(&orders);
        expect_balanced_books(&mut products_db, &mut orders_db).await;
        self.nothing_moved_without_reason(&mut products_db, &orders)
            .await;
        ended_orders_hold_nothing(&mut products_db, &orders).await;
        let (code, report) = town.run(0, &["reconcile"]).await;
        assert_eq!(code, Some(0), "{report}");
        let (code, report) = town.run(0, &["personal-data", "--text", NAME]).await;
        assert_eq!(code, Some(0), "{report}");
        assert!(!town.log().contains("panicked at"), "{}", town.log());
    }

    fn everybody_was_told_the_truth(&self, orders: &[Order]) {
        let book = self.ledger.book();
        assert!(book.wrong.is_empty(), "{}", book.wrong.join("\n"));
        self.every_wish_once(&book, orders);
        every_change_stands(&book, orders);
    }

    /// What was acknowledged is there as it was asked for, and nothing is there twice.
    fn every_wish_once(&self, book: &Book, orders: &[Order]) {
        let (mut stored, mut forgotten) = (BTreeMap::new(), BTreeSet::new());
        for order in orders {
            let Some(note) = order.note.as_deref() else {
                forgotten.insert(order.id);
                continue;
            };
            let twice = stored.insert(note, order);
            assert!(twice.is_none(), "{note:?} was stored twice");
            let wish = book.wishes.get(note);
            let wish = wish.unwrap_or_else(|| panic!("{note:?} was not forgotten"));
            let mut wanted: Vec<(Uuid, i64)> = wish
                .basket
                .iter()
                .map(|line| (self.products[line.0].parse().unwrap(), line.1))
                .collect();
            let ids = order.product_ids.iter().copied();
            let mut lines: Vec<_> = ids.zip(order.quantities.iter().copied()).collect();
            wanted.sort_unstable();
            lines.sort_unstable();
            assert_eq!(lines, wanted, "{note:?}");
        }
        assert!(book.of_guests.is_subset(&forgotten), "orders that stay");
        assert!(forgotten.len() <= book.guests, "{forgotten:?}");
        for (note, wish) in &book.wishes {
            let found = stored.get(&**note).map(|order| order.id);
            assert!(wish.created <= 1, "{note:?} was created twice: {wish:?}");
            if wish.order.is_some() {
                assert_eq!(found, wish.order, "{note:?}: acknowledged, and lost");
            }
        }
    }

    async fn nothing_moved_without_reason(&self, db: &mut PgConnection, orders: &[Order]) {
        let moved: Vec<(Uuid, i64, String)> =
            sqlx::query_as("select product_id, delta, reason from stock_movements")
                .fetch_all(&mut *db)
                .await
                .unwrap();
        let on_hand: Vec<(Uuid, i64)> = sqlx::query_as("select product_id, on_hand from stock")
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let mut expected: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (id, on_hand) in self.products.iter().zip(ON_HAND) {
            expected.insert(id.parse().unwrap(), on_hand);
        }
        let book = self.ledger.book();
        let mut reasons = BTreeSet::new();
        for (product, delta, reason) in &moved {
            let Some(&(number, wanted, _)) = book.adjustments.get(reason) else {
                continue;
            };
            assert!(reasons.insert(reason), "{reason:?} moved stock twice");
            let id: Uuid = self.products[number].parse().unwrap();
            assert_eq!((*product, *delta), (id, wanted), "{reason:?}");
            *expected.get_mut(product).unwrap() += delta;
        }
        for (reason, (.., acknowledged)) in &book.adjustments {
            assert!(
                !acknowledged || reasons.contains(reason),
                "{reason:?} is lost"
            );
        }
        for order in orders.iter().filter(|order| order.was("shipped")) {
            for (product, quantity) in order.product_ids.iter().zip(&order.quantities) {
                *expected.get_mut(product).unwrap() -= quantity;
            }
        }
        for (product, on_hand) in on_hand {
            assert_eq!(
                on_hand, expected[&product],
                "on hand of {product}: {moved:?}"
            );
        }
    }
}

impl Order {
    fn was(&self, status: &str) -> bool {
        self.history.iter().any(|step| step == status)
    }
}

/// A step that was acknowledged is in the history, none is there twice, and each follows another.
fn every_change_stands(book: &Book, orders: &[Order]) {
    const LIFE: [&str; 4] = ["placed", "paid", "shipped", "delivered"];
    let mut by_id = BTreeMap::new();
    for order in orders {
        by_id.insert(order.id, order);
        let history: Vec<&str> = order.history.iter().map(String::as_str).collect();
        let (last, before) = history.split_last().unwrap();
        let whole = match *last {
            "cancelled" => matches!(before, ["placed"] | ["placed", "paid"]),
            _ => LIFE.starts_with(&history),
        };
        assert!(whole && *last == order.status, "{}: {history:?}", order.id);
    }
    for (order, status) in &book.changes {
        let found = by_id[order];
        assert!(
            found.was(status),
            "{order} is not {status}: {:?}",
            found.history
        );
    }
}

/// The reservation of each order that is over is closed, and no other is.
async fn ended_orders_hold_nothing(db: &mut PgConnection, orders: &[Order]) {
    let closed: Vec<(Uuid, i64)> = sqlx::query_as(
        "select id, count(product_id) from reservations
         left join reservation_lines on reservation_id = id
         where state not in ('held', 'allocated') group by id order by id",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let over = orders
        .iter()
        .filter(|o| o.was("cancelled") || o.was("shipped"));
    let mut over: Vec<(Uuid, i64)> = over.map(|order| (order.reservation_id, 0)).collect();
    over.sort_unstable();
    assert_eq!(
        closed, over,
        "closed reservations, and orders that are over"
    );
}
