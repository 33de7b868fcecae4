//! Nothing leaves the house before products has confirmed that the order has its stock.

use cleave::settings::Module;
use serde_json::Value;

use crate::support::{Blocker, Customer, TestShop, eventually};

/// Placed and paid before products has heard of it.
async fn paid_order(shop: &TestShop, admin: &Customer, lines: &[(&str, i64)]) -> String {
    let order = shop.place_order(admin, lines).await.expect(201);
    let id = order["id"].as_str().unwrap().to_owned();
    shop.step_order(admin, &id, "pay").await.expect(200);
    id
}

async fn read(shop: &TestShop, admin: &Customer, id: &str) -> Value {
    let order = shop.get_as(admin, &format!("/orders/{id}")).await;
    order.expect(200)
}

/// Of an order that had a hold, which expired, and whose stock somebody else has now.
async fn sell_its_stock(shop: &TestShop, admin: &Customer, product: &str, quantity: i64) {
    shop.expire_holds().await;
    let quick = shop.place_order(admin, &[(product, quantity)]).await;
    quick.expect(201);
}

#[tokio::test]
async fn a_shipment_waits_for_the_stock_to_be_confirmed() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let events = shop.hold_events_back().await;
    let id = paid_order(&shop, &admin, &[(&sofa, 3)]).await;
    let refused = shop.step_order(&admin, &id, "ship").await;
    assert!(refused.header("retry-after").is_some());
    let problem = refused.expect_problem(503, "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("stock"));
    assert_eq!(read(&shop, &admin, &id).await["status"], "paid");
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));

    events.let_go().await;
    // However slow its confirmation is, it comes.
    eventually("the order is shipped", async || {
        shop.step_order(&admin, &id, "ship").await.status == 200
    })
    .await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (1, 0, 1));
    shop.close().await;
}

/// The hold expires, and one of the two products is sold to somebody else.
#[tokio::test]
async fn a_paid_order_whose_stock_went_meanwhile_is_cancelled_and_not_shipped() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 4).await;
    let events = shop.hold_events_back().await;
    let id = paid_order(&shop, &admin, &[(&sofa, 2), (&lamp, 1)]).await;
    sell_its_stock(&shop, &admin, &sofa, 3).await;
    shop.step_order(&admin, &id, "ship")
        .await
        .expect_problem(503, "unavailable");
    events.let_go().await;
    eventually("the order is cancelled", async || {
        let answer = shop.step_order(&admin, &id, "ship").await;
        assert_ne!(answer.status, 200);
        answer.status == 409
    })
    .await;
    let order = read(&shop, &admin, &id).await;
    assert_eq!(order["status"], "cancelled");
    assert_eq!(order["history"][1]["status"], "paid");
    assert_eq!(order["history"][2]["reason"], "out_of_stock");
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    assert_eq!(shop.stock(&lamp).await, (4, 0, 4));
    shop.close().await;
}

/// Products has refused the order, and its cancellation is on its way: what is refused is refused,
/// although the refusal is not yet in the order.
#[tokio::test]
async fn shipping_while_an_order_is_cancelled_for_lack_of_stock() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let events = shop.hold_events_back().await;
    let id = paid_order(&shop, &admin, &[(&sofa, 2)]).await;
    sell_its_stock(&shop, &admin, &sofa, 3).await;
    let row = format!("select from orders where id = '{id}' for update");
    let mut blocker = Blocker::hold(shop.databases.of(Module::Orders), &row).await;
    events.let_go().await;
    // The cancellation waits for the row.
    blocker.victims(1).await;
    shop.step_order(&admin, &id, "ship")
        .await
        .expect_problem(503, "unavailable");
    let ship = shop.step_order(&admin, &id, "ship");
    let (shipped, ()) = tokio::join!(ship, blocker.release());
    assert!([409, 503].contains(&shipped.status.as_u16()), "{shipped:?}");
    eventually("the order is cancelled", async || {
        read(&shop, &admin, &id).await["status"] == "cancelled"
    })
    .await;
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    shop.close().await;
}
