//! Stock is held for an order that is being placed, and not longer.

use std::time::Duration;

use cleave::settings::Module;
use ports::CallContext;
use ports::products::{ReserveLine, ReserveRequest};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Blocker, TestShop, eventually};

fn path(order: &Value) -> String {
    format!("/orders/{}", order["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_hold_without_an_order_expires() {
    let ttl = ["modules.products.hold_ttl_s=1"];
    let shop = TestShop::open_with(Default::default(), &ttl).await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let request = ReserveRequest {
        reservation_id: Uuid::now_v7(),
        lines: vec![ReserveLine {
            product_id: sofa.parse().unwrap(),
            quantity: 3,
        }],
    };
    let cx = CallContext::system("test", Duration::from_secs(5));
    shop.products().reserve(cx, request).await.unwrap();
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    eventually("the hold has expired", async || {
        shop.stock(&sofa).await == (4, 0, 4)
    })
    .await;
    // The stock of a placed order stays, however short holds are.
    shop.place_order(&admin, &[(&sofa, 4)]).await.expect(201);
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 4, 0));
    shop.close().await;
}

#[tokio::test]
async fn an_order_whose_hold_expired_gets_its_stock_again() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let events = shop.hold_events_back().await;
    let order = shop.place_order(&admin, &[(&sofa, 3)]).await.expect(201);
    shop.expire_holds().await;
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    events.let_go().await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    assert_eq!(shop.get_as(&admin, &path(&order)).await.expect(200), order);
    shop.close().await;
}

#[tokio::test]
async fn an_order_whose_stock_went_meanwhile_is_cancelled() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 4).await;
    let events = shop.hold_events_back().await;
    let late = shop.place_order(&admin, &[(&sofa, 2), (&lamp, 1)]).await;
    let late = late.expect(201);
    shop.expire_holds().await;
    let quick = shop.place_order(&admin, &[(&sofa, 3)]).await.expect(201);
    events.let_go().await;
    eventually("the late order is cancelled", async || {
        shop.get_as(&admin, &path(&late)).await.json["status"] == "cancelled"
    })
    .await;
    let late = shop.get_as(&admin, &path(&late)).await.expect(200);
    assert_eq!(late["history"][1]["reason"], "out_of_stock");
    let quick = shop.get_as(&admin, &path(&quick)).await.expect(200);
    assert_eq!(quick["status"], "placed");
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    assert_eq!(shop.stock(&lamp).await, (4, 0, 4));
    shop.close().await;
}

#[tokio::test]
async fn cancelling_before_products_heard_of_the_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let events = shop.hold_events_back().await;
    let swept = shop.place_order(&admin, &[(&sofa, 1)]).await.expect(201);
    shop.expire_holds().await;
    let held = shop.place_order(&admin, &[(&sofa, 1)]).await.expect(201);
    for order in [&swept, &held] {
        let id = order["id"].as_str().unwrap();
        shop.cancel_order(&admin, id).await.expect(200);
    }
    events.let_go().await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    assert_eq!(shop.reservations("closed").await, 2);
    shop.close().await;
}

/// The connection is cut while the order is stored: nobody knows whether it was.
#[tokio::test]
async fn a_repeated_request_uses_the_hold_of_the_one_that_was_cut_off() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let last = shop.product(&admin, "LAST", 50_000, 1).await;
    let orders = shop.databases.of(Module::Orders);
    let place = || async {
        let lines = [(&*last, 1)];
        shop.place_order_with_key(&admin, "key", &lines).await
    };
    let mut blocker = Blocker::hold(orders, "lock table orders in exclusive mode").await;
    let cut = async {
        let victim = blocker.victims(1).await[0];
        blocker.disconnect(victim).await;
    };
    let (answer, ()) = tokio::join!(place(), cut);
    let retry_after = answer.header("retry-after").map(str::to_owned);
    answer.expect_problem(503, "unavailable");
    assert!(retry_after.is_some());
    blocker.release().await;
    assert_eq!(shop.stock(&last).await, (1, 1, 0));
    let rival = shop.place_order(&admin, &[(&last, 1)]).await;
    rival.expect_problem(409, "insufficient_stock");
    place().await.expect(201);
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&last).await, (1, 1, 0));
    shop.close().await;
}

#[tokio::test]
async fn an_order_that_could_not_be_stored_leaves_nothing_held_for_long() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let orders = shop.databases.of(Module::Orders);
    let lines = [(&*sofa, 1)];
    // Without a key nobody comes back for the hold; with one it waits, and expires.
    for (key, held) in [(None, 0), (Some("key"), 1)] {
        let place = async {
            match key {
                None => shop.place_order(&admin, &lines).await,
                Some(key) => shop.place_order_with_key(&admin, key, &lines).await,
            }
        };
        let lock = "lock table orders in exclusive mode";
        let mut blocker = Blocker::hold(orders.clone(), lock).await;
        let fail = async {
            let victim = blocker.victims(1).await[0];
            blocker.cancel(victim).await;
        };
        let (answer, ()) = tokio::join!(place, fail);
        answer.expect_problem(503, "unavailable");
        blocker.release().await;
        assert_eq!(shop.stock(&sofa).await, (4, held, 4 - held), "{key:?}");
    }
    shop.expire_holds().await;
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    assert_eq!(
        shop.get_as(&admin, "/orders").await.json["items"],
        Value::Array(vec![])
    );
    shop.close().await;
}
