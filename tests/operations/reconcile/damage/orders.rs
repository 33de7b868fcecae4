//! Damage that only an order and its story show.

use std::sync::Arc;
use std::time::Duration;

use cleave::reconcile::{Kind, reconcile};
use cleave::settings::Module::{Orders, Products};
use sqlx::{AssertSqlSafe, PgPool};

use super::sold::Sold;
use super::table::number;
use crate::conformance::FakeUsers;
use crate::support::TestShop;

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
    let products: Arc<dyn ports::Products> = Arc::new(products::Module::new(pool.into(), config));
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
    let orders = orders::Module::new(pool.into(), config, Arc::clone(&products), users);
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
