use std::time::Duration;

use cleave::settings::Module;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::{Customer, PASSWORD, TestShop, within};

/// How soon a change of an account is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);

async fn set(shop: &TestShop, who: &Customer, change: &str) {
    let mut db = shop.connect(Module::Users).await;
    let update = format!("update users set {change} where id = '{}'", who.id);
    let done = sqlx::query(AssertSqlSafe(update))
        .execute(&mut db)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

#[tokio::test]
async fn a_deactivated_user_is_locked_out_within_seconds_until_activated() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let login = async || shop.post("/auth/login", &credentials).await;
    let tokens = login().await.expect(200);
    let paths = ["/auth/me", "/orders", "/products"];
    for path in paths {
        shop.get_as(&ada, path).await.expect(200);
    }

    set(&shop, &ada, "is_active = false").await;
    login().await.expect_problem(401, "invalid_credentials");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refreshed = shop.post("/auth/refresh", &refresh).await;
    refreshed.expect_problem(401, "invalid_token");
    within(PROMISED, "every module refuses the token", async || {
        let order = shop.place_order(&ada, &[(&ada.id, 1)]).await;
        let mut refused = usize::from(order.status == 401);
        for path in paths {
            refused += usize::from(shop.get_as(&ada, path).await.status == 401);
        }
        refused == 1 + paths.len()
    })
    .await;

    set(&shop, &ada, "is_active = true").await;
    login().await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn a_role_is_taken_away_within_seconds_whatever_the_token_says() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let price = json!({ "amount": 1, "currency": "EUR" });
    let mut tries = 0;
    let mut adds_a_product = async || {
        tries += 1;
        let body = json!({ "sku": format!("A{tries}"), "name": "A", "price": price });
        shop.post_as(&admin, "/products", &body).await.status
    };
    assert_eq!(adds_a_product().await, 201);
    set(&shop, &admin, "role = 'customer'").await;
    within(PROMISED, "it is an admin no more", async || {
        adds_a_product().await == 403
    })
    .await;
    let me = shop.get_as(&admin, "/auth/me").await.expect(200);
    assert_eq!(me["role"], "customer");
    shop.close().await;
}

#[tokio::test]
async fn a_deleted_user_is_nobody() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let mut db = shop.connect(Module::Users).await;
    sqlx::query("delete from users")
        .execute(&mut db)
        .await
        .unwrap();
    within(PROMISED, "the token is refused", async || {
        shop.get_as(&ada, "/orders").await.status == 401
    })
    .await;
    shop.close().await;
}
