use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Customer, TestShop};

async fn place(shop: &TestShop, who: &Customer, product: &str) -> String {
    let order = shop.place_order(who, &[(product, 1)]).await.expect(201);
    order["id"].as_str().unwrap().to_owned()
}

async fn cancel(shop: &TestShop, who: &Customer, id: &str, body: &Value) -> Answer {
    shop.post_as(who, &format!("/orders/{id}/cancel"), body)
        .await
}

#[tokio::test]
async fn the_owner_and_an_admin_may_cancel() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let (first, second) = (
        place(&shop, &ada, &lamp).await,
        place(&shop, &ada, &lamp).await,
    );
    let no_reason = json!({});
    cancel(&shop, &bob, &first, &no_reason)
        .await
        .expect_problem(404, "not_found");
    for nobodys in [&*Uuid::now_v7().to_string(), "7"] {
        cancel(&shop, &admin, nobodys, &no_reason)
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(shop.stock(&lamp).await, (100, 2, 98));

    let by_owner = cancel(&shop, &ada, &first, &no_reason).await.expect(200);
    assert_eq!(by_owner["status"], "cancelled");
    assert!(by_owner["history"][1].get("reason").is_none());
    let fraud = json!({ "reason": "fraud" });
    let by_admin = cancel(&shop, &admin, &second, &fraud).await.expect(200);
    assert_eq!(by_admin["history"][1]["reason"], "fraud");
    assert_eq!(by_admin["user_id"], ada.id);
    // The first reason stays.
    let again = cancel(&shop, &ada, &second, &json!({ "reason": "other" })).await;
    assert_eq!(again.expect(200), by_admin);
    assert_eq!(shop.stock(&lamp).await, (100, 0, 100));
    shop.close().await;
}

#[tokio::test]
async fn the_body_is_optional_but_not_arbitrary() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let id = place(&shop, &admin, &lamp).await;
    cancel(&shop, &admin, &id, &json!({ "reasons": "x" }))
        .await
        .expect_invalid("reasons");
    cancel(&shop, &admin, &id, &json!({ "reason": "x".repeat(501) }))
        .await
        .expect_invalid("reason");
    cancel(&shop, &admin, &id, &json!({ "reason": 7 }))
        .await
        .expect_invalid("reason");
    let path = format!("/api/v1/orders/{id}/cancel");
    let request = || shop.request(Method::POST, &path).bearer_auth(&admin.token);
    let typed = || request().header("content-type", "application/json");
    shop.send(typed().body("{"))
        .await
        .expect_problem(400, "malformed_json");
    shop.send(request().header("content-type", "text/plain").body("x"))
        .await
        .expect_problem(415, "unsupported_media_type");
    assert_eq!(shop.stock(&lamp).await, (100, 1, 99));

    let cancelled = shop.send(request()).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    let id = place(&shop, &admin, &lamp).await;
    let path = format!("/api/v1/orders/{id}/cancel");
    let typed = shop.request(Method::POST, &path).bearer_auth(&admin.token);
    let typed = typed.header("content-type", "application/json");
    shop.send(typed).await.expect(200);
    shop.close().await;
}
