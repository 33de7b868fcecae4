//! What somebody has written past the shop is found, named with both numbers, and repaired where
//! that is safe.

use std::sync::Arc;
use std::time::Duration;

use cleave::reconcile::{Figure, Kind, reconcile};
use cleave::settings::Module::{self, Orders, Products};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::conformance::FakeUsers;
use crate::support::{Customer, TestShop};

enum Then {
    /// `--repair` puts it right.
    Repaired,
    /// `--repair` leaves it; these statements of the same database put it right.
    Left(&'static str),
}
use Then::{Left, Repaired};

/// Done to an order of three lamps of 19.99, of a hundred lamps.
struct Damage {
    kind: Kind,
    /// What became of the order before.
    life: &'static [&'static str],
    database: Module,
    /// `{order}`, `{reservation}` and `{product}` stand for their ids.
    statements: &'static str,
    expected: Figure,
    found: Figure,
    then: Then,
}

fn number(number: i64) -> Figure {
    Figure::Number(number)
}

fn word(word: &str) -> Figure {
    Figure::Word(word.to_owned())
}

fn damages() -> Vec<Damage> {
    let damage = |kind, database, statements, expected, found, then| Damage {
        kind,
        life: &[],
        database,
        statements,
        expected,
        found,
        then,
    };
    vec![
        damage(
            Kind::Reserved,
            Products,
            "update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(3),
            number(5),
            Repaired,
        ),
        damage(
            Kind::OnHand,
            Products,
            "insert into stock_movements (product_id, delta, reason)
             values ('{product}', -4, 'past the shop')",
            number(96),
            number(100),
            Repaired,
        ),
        damage(
            Kind::AllocationMissing,
            Products,
            "update stock set reserved = reserved - 3 where product_id = '{product}';
             delete from reservations where id = '{reservation}'",
            number(3),
            number(0),
            Repaired,
        ),
        damage(
            Kind::AllocationMissing,
            Products,
            "update reservations set state = 'held', order_id = null, expires_at = now() + '1 h'
             where id = '{reservation}'",
            number(3),
            number(0),
            Repaired,
        ),
        damage(
            Kind::AllocationLeft,
            Orders,
            "update orders set status = 'cancelled', steps = 2 where id = '{order}';
             insert into order_history (order_id, step, status) values ('{order}', 2, 'cancelled')",
            number(0),
            number(3),
            Repaired,
        ),
        damage(
            Kind::AllocationClosed,
            Products,
            "update stock set reserved = reserved - 3, on_hand = on_hand - 3
             where product_id = '{product}';
             insert into stock_movements (product_id, delta, reason)
             values ('{product}', -3, 'past the shop');
             delete from reservation_lines where reservation_id = '{reservation}';
             update reservations set state = 'closed', closed_as = 'shipped'
             where id = '{reservation}'",
            number(3),
            number(0),
            Left(
                "update stock set reserved = reserved + 3, on_hand = on_hand + 3
                 where product_id = '{product}';
                 insert into stock_movements (product_id, delta, reason)
                 values ('{product}', 3, 'past the shop');
                 insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update reservations set state = 'allocated', closed_as = null
                 where id = '{reservation}'",
            ),
        ),
        damage(
            Kind::AllocationDiffers,
            Products,
            "update reservation_lines set quantity = 5 where reservation_id = '{reservation}';
             update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(3),
            number(5),
            Left(
                "update reservation_lines set quantity = 3 where reservation_id = '{reservation}';
                 update stock set reserved = reserved - 2 where product_id = '{product}'",
            ),
        ),
        damage(
            Kind::AllocationOfAnother,
            Products,
            "update reservations set order_id = '{other}' where id = '{reservation}'",
            word("{order}"),
            word("{other}"),
            Left("update reservations set order_id = '{order}' where id = '{reservation}'"),
        ),
        damage(
            Kind::AllocationWithoutOrder,
            Products,
            "insert into reservations (id, state, order_id)
             values ('{other}', 'allocated', '{other}');
             insert into reservation_lines
             select '{other}', product_id, 2, sku, name, unit_price_minor, currency
             from reservation_lines where reservation_id = '{reservation}';
             update stock set reserved = reserved + 2 where product_id = '{product}'",
            number(0),
            number(2),
            Left(
                "update stock set reserved = reserved - 2 where product_id = '{product}';
                 delete from reservations where id = '{other}'",
            ),
        ),
        damage(
            Kind::OrderTotal,
            Orders,
            "update orders set total_minor = 1 where id = '{order}'",
            number(5_997),
            number(1),
            Left("update orders set total_minor = 5997 where id = '{order}'"),
        ),
        damage(
            Kind::OrderStatus,
            Orders,
            "update order_history set status = 'paid' where order_id = '{order}'",
            word("paid"),
            word("placed"),
            Left("update order_history set status = 'placed' where order_id = '{order}'"),
        ),
        damage(
            Kind::OrderSteps,
            Orders,
            "update orders set steps = 7 where id = '{order}'",
            number(1),
            number(7),
            Left("update orders set steps = 1 where id = '{order}'"),
        ),
        damage(
            Kind::EventParked,
            Orders,
            "insert into outbox (event_id, subscriber, aggregate_id, event, parked_at)
             values (gen_random_uuid(), 'products', '{order}', '{}', now())",
            number(0),
            number(1),
            Left("delete from outbox where aggregate_id = '{order}'"),
        ),
        damage(
            Kind::EventFailing,
            Orders,
            "insert into outbox (event_id, subscriber, aggregate_id, event, attempts, due_at)
             values (gen_random_uuid(), 'products', '{order}', '{}', 3, now() + '1 h')",
            number(0),
            number(3),
            Left("delete from outbox where aggregate_id = '{order}'"),
        ),
        damage(
            Kind::AllocationDiffers,
            Products,
            "delete from reservation_lines where reservation_id = '{reservation}'",
            number(3),
            number(0),
            Left(
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}'",
            ),
        ),
        // More than there is.
        damage(
            Kind::Reserved,
            Products,
            "insert into reservations (id, state, expires_at)
             values ('{other}', 'held', now() + '1 h');
             insert into reservation_lines
             select '{other}', product_id, 98, sku, name, unit_price_minor, currency
             from reservation_lines where reservation_id = '{reservation}'",
            number(101),
            number(3),
            Left("delete from reservations where id = '{other}'"),
        ),
        Damage {
            life: &["pay", "ship"],
            ..damage(
                Kind::AllocationLeft,
                Products,
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update stock set reserved = reserved + 3, on_hand = on_hand + 3
                 where product_id = '{product}';
                 delete from stock_movements where order_id = '{order}';
                 update reservations set state = 'allocated', closed_as = null
                 where id = '{reservation}'",
                number(0),
                number(3),
                Repaired,
            )
        },
        Damage {
            life: &["pay", "ship"],
            ..damage(
                Kind::ClosedAs,
                Products,
                "delete from reservations where id = '{reservation}'",
                word("shipped"),
                word("none"),
                Left(
                    "insert into reservations (id, state, closed_as, order_id)
                     values ('{reservation}', 'closed', 'shipped', '{order}')",
                ),
            )
        },
        Damage {
            life: &["cancel"],
            ..damage(
                Kind::ClosedAs,
                Products,
                "update reservations set closed_as = 'shipped' where id = '{reservation}'",
                word("released"),
                word("shipped"),
                Left("update reservations set closed_as = 'released' where id = '{reservation}'"),
            )
        },
        Damage {
            life: &["cancel"],
            ..damage(
                Kind::ClosedHoldsStock,
                Products,
                "insert into reservation_lines
                 select '{reservation}', id, 3, sku, name, price_minor, currency
                 from products where id = '{product}';
                 update stock set reserved = reserved + 3 where product_id = '{product}'",
                number(0),
                number(3),
                Left(
                    "delete from reservation_lines where reservation_id = '{reservation}';
                     update stock set reserved = reserved - 3 where product_id = '{product}'",
                ),
            )
        },
    ]
}

/// The ids of an order whose events are delivered.
struct Sold {
    order: String,
    number: String,
    reservation: Uuid,
    product: String,
    other: Uuid,
}

impl Sold {
    async fn lamps(shop: &TestShop, admin: &Customer, number: usize, life: &[&str]) -> Self {
        let sku = format!("LAMP-{number}");
        let product = shop.product(admin, &sku, 1_999, 100).await;
        let placed = shop.place_order(admin, &[(&product, 3)]).await.expect(201);
        let order = placed["id"].as_str().unwrap().to_owned();
        for step in life {
            shop.step_order(admin, &order, step).await.expect(200);
        }
        shop.expect_balanced_books().await;
        let reservation = sqlx::query_scalar("select reservation_id from orders where id = $1")
            .bind(Uuid::parse_str(&order).unwrap())
            .fetch_one(&mut shop.connect(Orders).await)
            .await
            .unwrap();
        Self {
            order,
            number: placed["number"].as_str().unwrap().to_owned(),
            reservation,
            product,
            other: Uuid::now_v7(),
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{order}", &self.order)
            .replace("{reservation}", &self.reservation.to_string())
            .replace("{product}", &self.product)
            .replace("{other}", &self.other.to_string())
    }

    async fn status(&self, shop: &TestShop, admin: &Customer) -> String {
        let order = shop.get_as(admin, &format!("/orders/{}", self.order)).await;
        order.expect(200)["status"].as_str().unwrap().to_owned()
    }

    async fn write(&self, shop: &TestShop, database: Module, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(self.fill(statements)))
            .execute(&mut shop.connect(database).await)
            .await
            .unwrap();
    }
}

#[test]
fn every_kind_of_damage_is_done() {
    let done: Vec<Kind> = damages().iter().map(|damage| damage.kind).collect();
    for kind in Kind::all() {
        // It needs a shop of its own.
        let elsewhere = kind == Kind::HoldOverdue;
        assert!(elsewhere || done.contains(&kind), "{kind:?}");
    }
}

#[tokio::test]
async fn every_damage_is_found_and_repaired_where_that_is_safe() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for (number, damage) in damages().into_iter().enumerate() {
        let sold = Sold::lamps(&shop, &admin, number, damage.life).await;
        sold.write(&shop, damage.database, damage.statements).await;

        let report = shop.reconcile(false).await;
        let what = format!("{number} {:?}: {report:#?}", damage.kind);
        assert!(
            report.remaining > 0 && report.total == report.remaining,
            "{what}"
        );
        let found = &report.differences[0];
        let figure = |figure: &Figure| sold.fill(&figure.to_string());
        assert_eq!(found.kind, damage.kind, "{what}");
        assert_eq!(
            found.expected.to_string(),
            figure(&damage.expected),
            "{what}"
        );
        assert_eq!(found.found.to_string(), figure(&damage.found), "{what}");
        assert_eq!(found.repaired, None, "{what}");
        let of_product = [Kind::Reserved, Kind::OnHand].contains(&found.kind);
        let of_order = found.number.as_ref() == Some(&sold.number);
        let unknown = [Kind::AllocationWithoutOrder, Kind::ClosedHoldsStock].contains(&found.kind);
        assert!(of_product || of_order || unknown, "{what}");
        if let Some(product) = found.product_id {
            assert_eq!(product.to_string(), sold.product, "{what}");
            assert_eq!(found.sku, Some(format!("LAMP-{number}")), "{what}");
        }

        let repair = shop.reconcile(true).await;
        let is_repaired = matches!(damage.then, Repaired);
        let what = format!("{number} {:?}: {repair:#?}", damage.kind);
        assert_eq!(repair.differences[0].repaired, Some(is_repaired), "{what}");
        assert_eq!(repair.remaining == 0, is_repaired, "{what}");
        if let Left(statements) = damage.then {
            assert_eq!(shop.reconcile(false).await.total, report.total, "{what}");
            sold.write(&shop, damage.database, statements).await;
        }
        let after = shop.reconcile(false).await;
        assert_eq!(after.total, 0, "{number} {:?}: {after:#?}", damage.kind);
    }
    shop.close().await;
}

/// Where no instance sweeps, and nobody relays.
#[tokio::test]
async fn a_hold_that_outlives_its_time_is_given_back() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sold = Sold::lamps(&shop, &admin, 1, &[]).await;
    let databases = shop.databases.clone();
    shop.close().await;
    let pool = PgPool::connect_with(databases.of(Products)).await.unwrap();
    let config = products::Config {
        hold_ttl: Duration::from_secs(900),
        currency: ports::Currency::EUR,
        import_bytes: 0,
        upload_bytes: 0,
        media: products::MediaStore::in_memory(),
    };
    let products: Arc<dyn ports::Products> = Arc::new(products::Module::new(pool, config));
    let pool = PgPool::connect_with(databases.of(Orders)).await.unwrap();
    let hold = "insert into reservations (id, state, expires_at)
                values ('{other}', 'held', now() - interval '10 min');
                insert into reservation_lines
                select '{other}', product_id, 2, sku, name, unit_price_minor, currency
                from reservation_lines where reservation_id = '{reservation}';
                update stock set reserved = reserved + 2 where product_id = '{product}'";
    let mut database = databases.connect(Products).await;
    let hold = sqlx::raw_sql(AssertSqlSafe(sold.fill(hold)));
    hold.execute(&mut database).await.unwrap();
    let config = orders::Config {
        currency: ports::Currency::EUR,
        event_attempts: 5,
        payment_window: None,
        stream: None,
        webhooks: Default::default(),
    };
    let users = Arc::new(FakeUsers::default());
    let orders = orders::Module::new(pool, config, Arc::clone(&products), users);
    let orders: Arc<dyn ports::Orders> = Arc::new(orders);
    for (repair, repaired, total) in [(false, None, 1), (true, Some(true), 1), (false, None, 0)] {
        let (orders, products) = (Arc::clone(&orders), Arc::clone(&products));
        let report = reconcile(orders, products, repair, |_| {}).await.unwrap();
        assert_eq!(report.total, total, "{report:#?}");
        for found in &report.differences {
            assert_eq!((found.kind, &found.found), (Kind::HoldOverdue, &number(2)));
            assert_eq!(found.repaired, repaired);
        }
    }
}

#[tokio::test]
async fn an_order_that_lost_its_stock_for_good_is_left_to_a_person() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sold = Sold::lamps(&shop, &admin, 1, &["pay"]).await;
    let lose = "update stock set reserved = reserved - 3 where product_id = '{product}';
                delete from reservations where id = '{reservation}'";
    sold.write(&shop, Products, lose).await;
    let rest = [(&*sold.product, 98)];
    shop.place_order(&admin, &rest).await.expect(201);
    let report = shop.reconcile(true).await;
    assert_eq!((report.total, report.remaining), (1, 1), "{report:#?}");
    let found = &report.differences[0];
    assert_eq!(found.kind, Kind::AllocationMissing);
    assert!(found.detail.contains("cancel the order"), "{found:?}");
    assert_eq!(sold.status(&shop, &admin).await, "paid");

    // A person counts, and finds one more.
    let count = "update stock set on_hand = on_hand + 1 where product_id = '{product}';
                 insert into stock_movements (product_id, delta, reason)
                 values ('{product}', 1, 'counted')";
    sold.write(&shop, Products, count).await;
    let report = shop.reconcile(true).await;
    assert_eq!((report.total, report.remaining), (1, 0), "{report:#?}");
    assert_eq!(sold.status(&shop, &admin).await, "paid");
    shop.close().await;
}

/// The reservation alone is gone: nothing looks available, and yet it is all there.
#[tokio::test]
async fn stock_that_is_counted_still_is_taken_again() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sold = Sold::lamps(&shop, &admin, 1, &["pay"]).await;
    let rest = [(&*sold.product, 97)];
    shop.place_order(&admin, &rest).await.expect(201);
    shop.expect_balanced_books().await;
    let lose = "delete from reservations where id = '{reservation}'";
    sold.write(&shop, Products, lose).await;
    let stock = shop.stock(&sold.product).await;
    let report = shop.reconcile(true).await;
    assert_eq!((report.total, report.remaining), (2, 0), "{report:#?}");
    assert_eq!(sold.status(&shop, &admin).await, "paid");
    assert_eq!(shop.stock(&sold.product).await, stock);
    assert_eq!(shop.reconcile(false).await.total, 0);
    shop.close().await;
}

/// `reserved` is the last trace of what is sold.
#[tokio::test]
async fn what_an_order_lays_claim_to_is_not_sold_again() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sold = Sold::lamps(&shop, &admin, 1, &[]).await;
    let lose = "delete from reservation_lines where reservation_id = '{reservation}'";
    sold.write(&shop, Products, lose).await;
    let stock = shop.stock(&sold.product).await;
    let report = shop.reconcile(true).await;
    let kinds: Vec<Kind> = report.differences.iter().map(|found| found.kind).collect();
    assert_eq!(
        kinds,
        [Kind::AllocationDiffers, Kind::Reserved],
        "{report:#?}"
    );
    assert_eq!(report.remaining, 2);
    assert_eq!(shop.stock(&sold.product).await, stock);

    // Nobody claims it any more.
    shop.cancel_order(&admin, &sold.order).await.expect(200);
    let report = shop.reconcile(true).await;
    assert_eq!((report.total, report.remaining), (1, 0), "{report:#?}");
    assert_eq!(shop.stock(&sold.product).await, (100, 0, 100));
    shop.close().await;
}
