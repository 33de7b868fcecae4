use std::time::Duration;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Customer, PASSWORD, TestShop, eventually, within};

/// How soon a deletion is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);

/// An order that tells a lot about who placed it.
async fn telling_order(shop: &TestShop, who: &Customer, product: &str) -> Value {
    let request = shop.request(Method::POST, "/api/v1/orders");
    let request = request
        .bearer_auth(&who.token)
        .header("Idempotency-Key", &who.email)
        .json(&json!({
            "items": [{ "product_id": product, "quantity": 2 }],
            "note": format!("for {}", who.email),
        }));
    shop.send(request).await.expect(201)
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_of_the_person_but_the_orders() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    // No id or number can spell the name.
    let ada = shop.customer("smith").await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let order = telling_order(&shop, &ada, &lamp).await;
    let cancelled = shop.place_order(&ada, &[(&lamp, 1)]).await.expect(201);
    let cancel = format!("/orders/{}/cancel", cancelled["id"].as_str().unwrap());
    let reason = json!({ "reason": "Smith is moving" });
    shop.post_as(&ada, &cancel, &reason).await.expect(200);
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &credentials).await.expect(200);
    for _ in 0..2 {
        shop.address(&ada).await;
    }

    let gone = shop.delete_as(&ada, "/users/me").await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    let refused = shop.post("/auth/login", &credentials).await;
    refused.expect_problem(401, "invalid_credentials");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = shop.post("/auth/refresh", &refresh).await;
    refreshed.expect_problem(401, "invalid_token");
    within(PROMISED, "every module refuses the token", async || {
        let mut refused = 0;
        for path in ["/auth/me", "/products", "/orders"] {
            refused += usize::from(shop.get_as(&ada, path).await.status == 401);
        }
        refused == 3
    })
    .await;
    let again = shop.delete_as(&ada, "/users/me").await;
    again.expect_problem(401, "invalid_token");

    // The address is free, and whoever takes it is somebody else.
    let other = shop.customer("smith").await;
    assert_ne!(other.id, ada.id);
    for list in ["/orders", "/users/me/addresses"] {
        let none = shop.get_as(&other, list).await.expect(200);
        assert_eq!(none["items"], json!([]), "{list}");
    }
    let mut users = shop.connect(Module::Users).await;
    let addresses: i64 = sqlx::query_scalar("select count(*) from addresses")
        .fetch_one(&mut users)
        .await
        .unwrap();
    assert_eq!(addresses, 0);

    eventually("the orders tell nothing", async || {
        let path = format!("/orders?user_id={}", ada.id);
        let kept = shop.get_as(&admin, &path).await.expect(200);
        let text = kept.to_string().to_lowercase();
        assert_eq!(kept["items"].as_array().unwrap().len(), 2);
        !text.contains("smith")
    })
    .await;
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let kept = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(kept["note"], Value::Null);
    for same in ["number", "user_id", "items", "total", "created_at"] {
        assert_eq!(kept[same], order[same], "{same}");
    }
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn a_deleted_account_is_seen_and_stays_deleted() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    assert_eq!(shop.delete_as(&ada, "/users/me").await.status, 204);

    let path = format!("/users/{}", ada.id);
    let remains = shop.get_as(&admin, &path).await.expect(200);
    let email = format!("deleted-{}@deleted.invalid", ada.id);
    assert_eq!(remains["email"], email);
    assert_eq!(remains["full_name"], "Deleted user");
    assert_eq!(remains["is_active"], false);
    for back in [json!({ "is_active": true }), json!({ "role": "admin" })] {
        let refused = shop.patch_as(&admin, &path, &back).await;
        refused.expect_problem(409, "account_deleted");
    }
    let same = shop.patch_as(&admin, &path, &json!({})).await.expect(200);
    assert_eq!(same, remains);

    // Nobody signs in by what stands in place of the address, and it is nobody's obstacle.
    for password in [PASSWORD, ""] {
        let credentials = json!({ "email": email, "password": password });
        let refused = shop.post("/auth/login", &credentials).await;
        refused.expect_problem(401, "invalid_credentials");
    }
    let body = json!({ "email": email, "password": PASSWORD, "full_name": "Eve" });
    shop.post("/auth/register", &body).await.expect(201);
    shop.close().await;
}

#[tokio::test]
async fn an_order_that_comes_after_the_erasure_is_refused() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    // As orders knows them, while tokens still work.
    let ada = shop.customer("ada").await;
    let mut orders = shop.connect(Module::Orders).await;
    sqlx::query("insert into erased_users (user_id) values ($1)")
        .bind(ada.id.parse::<Uuid>().unwrap())
        .execute(&mut orders)
        .await
        .unwrap();

    let late = shop.place_order(&ada, &[(&lamp, 1)]).await;
    late.expect_problem(401, "invalid_token");
    for _ in 0..2 {
        let late = shop
            .place_order_with_key(&ada, "a key", &[(&lamp, 1)])
            .await;
        late.expect_problem(401, "invalid_token");
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from orders")
        .fetch_one(&mut orders)
        .await
        .unwrap();
    assert_eq!(stored, 0);
    // The keyed hold expires; the other one is given back.
    assert_eq!(shop.reservations("held").await, 1);
    shop.close().await;
}
