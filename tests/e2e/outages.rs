//! How the shop bears the loss of a database.

use std::time::{Duration, Instant};

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{CLOSED, FORBIDDEN, GONE, PASSWORD, TestShop, eventually, lose};

#[tokio::test]
async fn without_the_products_database_the_rest_of_the_shop_goes_on() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let ada = shop.customer("ada").await;
    let order = shop.place_order(&ada, &[(&sofa, 1)]).await.expect(201);
    let order = format!("/orders/{}", order["id"].as_str().unwrap());

    let lost = lose(&shop, Module::Products, CLOSED).await;
    shop.get_as(&ada, "/auth/me").await.expect(200);
    shop.customer("bob").await;
    let list = shop.get_as(&ada, "/orders").await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    shop.get_as(&ada, &order).await.expect(200);

    let start = Instant::now();
    let refused = shop.place_order(&ada, &[(&sofa, 1)]).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    let refused = shop.get("/products").await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");

    lost.give_back().await;
    eventually("orders are taken again", async || {
        shop.place_order(&ada, &[(&sofa, 1)]).await.status == 201
    })
    .await;
    shop.close().await;
}

#[tokio::test]
async fn a_lost_database_is_unavailable_in_whatever_way_it_was_lost() {
    let shop = TestShop::open().await;
    for loss in [CLOSED, GONE, FORBIDDEN] {
        shop.get("/products").await.expect(200);
        let lost = lose(&shop, Module::Products, loss).await;
        for _ in 0..3 {
            shop.get("/products")
                .await
                .expect_problem(503, "unavailable");
        }
        lost.give_back().await;
        // More than one process may answer, and each comes back by itself.
        eventually("products are served again", async || {
            let answers = join_all((0..16).map(|_| shop.get("/products"))).await;
            answers.iter().all(|answer| answer.status == 200)
        })
        .await;
    }
    shop.close().await;
}

#[tokio::test]
async fn without_the_users_database_strangers_still_browse() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let lost = lose(&shop, Module::Users, CLOSED).await;
    shop.get("/products").await.expect(200);
    shop.get(&format!("/products/{sofa}")).await.expect(200);
    let body = json!({ "email": "admin@example.com", "password": PASSWORD });
    let refused = shop.post("/auth/login", &body).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    lost.give_back().await;
    eventually("sign-in works again", async || {
        shop.post("/auth/login", &body).await.status == 200
    })
    .await;
    shop.close().await;
}
