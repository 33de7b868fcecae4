use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Customer, PASSWORD, TestShop, within};

/// How soon a change of an account is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);

async fn set(shop: &TestShop, admin: &Customer, who: &Customer, change: Value) {
    let path = format!("/users/{}", who.id);
    shop.patch_as(admin, &path, &change).await.expect(200);
}

async fn sign_in(shop: &TestShop, who: &Customer) -> Customer {
    let body = json!({ "email": who.email, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &body).await.expect(200);
    Customer {
        token: tokens["access_token"].as_str().unwrap().to_owned(),
        ..who.clone()
    }
}

/// Of each module, with the statuses in that order: users, products (for administrators), orders.
async fn asks_everywhere(shop: &TestShop, who: &Customer) -> [u16; 3] {
    let me = shop.get_as(who, "/auth/me").await.status;
    let product = shop.post_as(who, "/products", &json!({})).await.status;
    let order = shop.place_order(who, &[(&who.id, 1)]).await.status;
    [me, product, order].map(|status| status.as_u16())
}

#[tokio::test]
async fn a_deactivated_user_is_locked_out_within_seconds_until_reactivated() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    set(&shop, &admin, &ada, json!({ "role": "admin" })).await;
    let ada = sign_in(&shop, &ada).await;
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &credentials).await.expect(200);
    // Every module has seen the token, and may remember it.
    assert_eq!(asks_everywhere(&shop, &ada).await, [200, 422, 422]);

    set(&shop, &admin, &ada, json!({ "is_active": false })).await;
    let refused = shop.post("/auth/login", &credentials).await;
    let told = refused.expect_problem(401, "invalid_credentials");
    let wrong = json!({ "email": ada.email, "password": "a wrong password" });
    let wrong = shop.post("/auth/login", &wrong).await;
    let wrong = wrong.expect_problem(401, "invalid_credentials");
    assert_eq!(told["detail"], wrong["detail"]);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = shop.post("/auth/refresh", &refresh).await;
    refreshed.expect_problem(401, "invalid_token");
    within(PROMISED, "every module refuses the token", async || {
        asks_everywhere(&shop, &ada).await == [401; 3]
    })
    .await;

    set(&shop, &admin, &ada, json!({ "is_active": true })).await;
    let again = sign_in(&shop, &ada).await;
    assert_eq!(asks_everywhere(&shop, &again).await, [200, 422, 422]);
    // What was signed out stays so.
    let refreshed = shop.post("/auth/refresh", &refresh).await;
    refreshed.expect_problem(401, "invalid_token");
    assert_eq!(shop.get_as(&ada, "/auth/me").await.status, 401);
    shop.close().await;
}

#[tokio::test]
async fn a_role_is_taken_away_within_seconds_whatever_the_token_says() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    set(&shop, &admin, &ada, json!({ "role": "admin" })).await;
    let ada = sign_in(&shop, &ada).await;
    assert_eq!(asks_everywhere(&shop, &ada).await, [200, 422, 422]);
    set(&shop, &admin, &ada, json!({ "role": "customer" })).await;
    within(PROMISED, "it is an admin no more", async || {
        asks_everywhere(&shop, &ada).await == [200, 403, 422]
    })
    .await;
    let me = shop.get_as(&ada, "/auth/me").await.expect(200);
    assert_eq!(me["role"], "customer");
    shop.close().await;
}
