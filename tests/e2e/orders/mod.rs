//! `/orders` as its clients know it.

mod cancel;
mod cart;
mod events;
mod idempotency;
mod life;
mod lists;
mod payment_window;
mod place;
mod shipping;
mod unconfirmed;
mod webhooks;

use cleave::settings::Module;
use serde_json::json;

use crate::support::{TestShop, eventually};

#[tokio::test]
async fn an_order_takes_stock_and_a_cancelled_one_gives_it_back() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;

    let placed = shop
        .place_order(&ada, &[(&sofa, 1), (&lamp, 3), (&lamp, 1)])
        .await;
    let location = placed.header("location").unwrap().to_owned();
    let order = placed.expect(201);
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    assert_eq!(location, format!("/api/v1{path}"));
    assert_eq!(order["status"], "placed");
    assert_eq!(order["user_id"], ada.id);
    assert_eq!(
        order["total"],
        json!({ "amount": 57_996, "currency": "EUR" })
    );
    let lines = order["items"].as_array().unwrap();
    let lamps = lines.iter().find(|line| line["sku"] == "LAMP").unwrap();
    assert_eq!(lamps["quantity"], 4);
    assert_eq!(lamps["line_total"]["amount"], 7_996);
    assert_eq!(shop.stock(&sofa).await, (4, 1, 3));
    assert_eq!(shop.stock(&lamp).await, (10, 4, 6));

    assert_eq!(shop.get_as(&ada, &path).await.expect(200), order);
    let list = shop.get_as(&ada, "/orders").await.expect(200);
    assert_eq!(list, json!({ "items": [order], "next_cursor": null }));

    let body = json!({ "reason": "changed my mind" });
    let cancelled = shop
        .post_as(&ada, &format!("{path}/cancel"), &body)
        .await
        .expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["history"][1]["reason"], "changed my mind");
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    assert_eq!(shop.stock(&lamp).await, (10, 0, 10));

    let again = shop
        .post_as(&ada, &format!("{path}/cancel"), &json!({}))
        .await
        .expect(200);
    assert_eq!(again, cancelled);
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    shop.close().await;
}

#[tokio::test]
async fn a_hold_becomes_an_allocation_that_does_not_expire() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    shop.place_order(&admin, &[(&sofa, 1)]).await.expect(201);
    let mut db = shop.connect(Module::Products).await;
    eventually("the hold is allocated", async || {
        let state: String = sqlx::query_scalar("select state from reservations")
            .fetch_one(&mut db)
            .await
            .unwrap();
        state == "allocated"
    })
    .await;
    shop.close().await;
}
