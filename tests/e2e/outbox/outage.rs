use std::time::{Duration, Instant};

use cleave::settings::Module;

use crate::support::{Outage, TestShop, eventually};

#[tokio::test]
async fn events_wait_for_a_database_that_is_away() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let mut ids = Vec::new();
    let events = shop.hold_events_back().await;
    for _ in 0..4 {
        let order = shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
        ids.push(order["id"].as_str().unwrap().to_owned());
    }
    let outage = Outage::of(Module::Products, &shop.databases).await;
    events.let_go().await;

    // What needs products is refused in time; everything else works.
    let asked = Instant::now();
    let refused = shop.place_order(&admin, &[(&lamp, 1)]).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    assert!(asked.elapsed() < Duration::from_secs(10));
    for id in &ids[..2] {
        let cancelled = shop.cancel_order(&admin, id).await.expect(200);
        assert_eq!(cancelled["status"], "cancelled");
    }
    let list = shop.get_as(&admin, "/orders").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
    let mut orders = shop.connect(Module::Orders).await;
    let waiting: i64 = sqlx::query_scalar("select count(*) from outbox")
        .fetch_one(&mut orders)
        .await
        .unwrap();
    assert_eq!(waiting, 6);

    outage.end().await;
    eventually("products is back", async || {
        shop.get(&format!("/products/{lamp}")).await.status == 200
    })
    .await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&lamp).await, (10, 2, 8));
    // However long it was away, nothing was counted against the events.
    let parked: i64 = sqlx::query_scalar("select count(*) from outbox")
        .fetch_one(&mut orders)
        .await
        .unwrap();
    assert_eq!(parked, 0);
    shop.close().await;
}

#[tokio::test]
async fn the_shop_recovers_from_an_outage_of_orders() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    // An event that is cut off on its way comes again, but only after its lease.
    shop.expect_balanced_books().await;
    let outage = Outage::of(Module::Orders, &shop.databases).await;
    shop.get_as(&admin, "/orders")
        .await
        .expect_problem(503, "unavailable");
    let lines = [(&*lamp, 1)];
    let refused = shop.place_order_with_key(&admin, "key", &lines).await;
    refused.expect_problem(503, "unavailable");
    shop.get(&format!("/products/{lamp}")).await.expect(200);
    shop.get_as(&admin, "/auth/me").await.expect(200);
    outage.end().await;
    eventually("the order is placed", async || {
        let placed = shop.place_order_with_key(&admin, "key", &lines).await;
        placed.status == 201
    })
    .await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&lamp).await, (10, 2, 8));
    shop.close().await;
}
