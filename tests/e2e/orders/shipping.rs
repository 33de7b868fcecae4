use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, CLOSED, Customer, TestShop, address, eventually, lose};

async fn home(shop: &TestShop, who: &Customer) -> Value {
    let path = "/users/me/addresses";
    shop.post_as(who, path, &address()).await.expect(201)
}

/// The address as an order has it.
fn as_sent(home: &Value) -> Value {
    let mut sent = home.clone();
    sent.as_object_mut().unwrap().remove("is_default");
    sent
}

async fn send_to(
    shop: &TestShop,
    who: &Customer,
    key: Option<&str>,
    product: &str,
    address_id: &Value,
) -> Answer {
    let request = shop.request(Method::POST, "/api/v1/orders");
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let items = json!([{ "product_id": product, "quantity": 1 }]);
    let body = json!({ "items": items, "shipping_address_id": address_id });
    shop.send(request.bearer_auth(&who.token).json(&body)).await
}

#[tokio::test]
async fn an_order_keeps_the_address_as_it_was() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    let home = home(&shop, &ada).await;
    let order = send_to(&shop, &ada, Some("key"), &lamp, &home["id"]).await;
    let order = order.expect(201);
    assert_eq!(order["shipping_address"], as_sent(&home));
    let none = shop.place_order(&ada, &[(&lamp, 1)]).await.expect(201);
    assert_eq!(none["shipping_address"], Value::Null);

    let mut moved = address();
    moved["line1"] = "Elsewhere 2".into();
    let book = format!("/users/me/addresses/{}", home["id"].as_str().unwrap());
    shop.put_as(&ada, &book, &moved).await.expect(200);
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    for who in [&ada, &admin] {
        let read = shop.get_as(who, &path).await.expect(200);
        assert_eq!(read, order);
    }
    let cart = format!("/cart/items/{lamp}");
    let one = json!({ "quantity": 1 });
    shop.put_as(&ada, &cart, &one).await.expect(200);
    let body = json!({ "shipping_address_id": home["id"] });
    let bought = shop.post_as(&ada, "/cart/checkout", &body).await;
    let bought = bought.expect(201);
    assert_eq!(bought["shipping_address"]["line1"], "Elsewhere 2");

    // A replay needs no address any more; with another one it is another request.
    assert_eq!(shop.delete_as(&ada, &book).await.status, 204);
    let again = send_to(&shop, &ada, Some("key"), &lamp, &home["id"]).await;
    assert_eq!(again.expect(200), order);
    for other in [json!(Uuid::now_v7()), Value::Null] {
        let reused = send_to(&shop, &ada, Some("key"), &lamp, &other).await;
        reused.expect_problem(422, "idempotency_key_reused");
    }
    let list = shop.get_as(&ada, "/orders").await.expect(200);
    assert_eq!(list["items"][2], order);
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn an_address_that_is_not_ones_own_is_unknown() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let home = home(&shop, &ada).await;
    let cart = format!("/cart/items/{lamp}");
    for who in [&bob, &admin] {
        let one = json!({ "quantity": 1 });
        shop.put_as(who, &cart, &one).await.expect(200);
        for id in [home["id"].clone(), json!(Uuid::now_v7())] {
            let body = json!({ "shipping_address_id": id });
            for refused in [
                send_to(&shop, who, None, &lamp, &id).await,
                shop.post_as(who, "/cart/checkout", &body).await,
            ] {
                let problem = refused.expect_problem(422, "unknown_address");
                assert_eq!(problem["errors"][0]["field"], "shipping_address_id");
            }
        }
        let refused = send_to(&shop, who, None, &lamp, &json!("home")).await;
        refused.expect_invalid("shipping_address_id");
        let left = shop.get_as(who, "/cart").await.expect(200);
        assert_eq!(left["items"].as_array().unwrap().len(), 1);
    }
    assert_eq!(shop.stock(&lamp).await, (10, 0, 10));
    shop.close().await;
}

#[tokio::test]
async fn without_users_nothing_is_sent_and_no_stock_held() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    let home = home(&shop, &ada).await;
    let lost = lose(&shop, Module::Users, CLOSED).await;
    let refused = send_to(&shop, &ada, None, &lamp, &home["id"]).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(503, "unavailable");
    assert_eq!(shop.stock(&lamp).await, (10, 0, 10));
    lost.give_back().await;
    eventually("it is sent again", async || {
        let sent = send_to(&shop, &ada, Some("key"), &lamp, &home["id"]).await;
        [200, 201].contains(&sent.status.as_u16())
    })
    .await;
    shop.close().await;
}

#[tokio::test]
async fn a_deleted_account_leaves_neither_address_nor_cart() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    let home = home(&shop, &ada).await;
    let order = send_to(&shop, &ada, None, &lamp, &home["id"]).await;
    let path = format!("/orders/{}", order.expect(201)["id"].as_str().unwrap());
    let cart = format!("/cart/items/{lamp}");
    for who in [&ada, &admin] {
        let one = json!({ "quantity": 1 });
        shop.put_as(who, &cart, &one).await.expect(200);
    }
    assert_eq!(shop.delete_as(&ada, "/users/me").await.status, 204);
    eventually("the address is forgotten", async || {
        let kept = shop.get_as(&admin, &path).await.expect(200);
        kept["shipping_address"] == Value::Null
    })
    .await;
    let mut orders = shop.connect(Module::Orders).await;
    let owners: Vec<Uuid> = sqlx::query_scalar("select user_id from cart_items")
        .fetch_all(&mut orders)
        .await
        .unwrap();
    assert_eq!(owners, [admin.id.parse::<Uuid>().unwrap()]);
    shop.close().await;
}

/// As orders knows them, while tokens still work.
#[tokio::test]
async fn nothing_is_put_into_the_cart_of_who_is_to_be_forgotten() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    let cart = format!("/cart/items/{lamp}");
    let one = json!({ "quantity": 1 });
    shop.put_as(&ada, &cart, &one).await.expect(200);
    let mut orders = shop.connect(Module::Orders).await;
    sqlx::query("insert into erased_users (user_id) values ($1)")
        .bind(ada.id.parse::<Uuid>().unwrap())
        .execute(&mut orders)
        .await
        .unwrap();
    let late = shop.put_as(&ada, &cart, &one).await;
    late.expect_problem(401, "invalid_token");
    let late = shop.post_as(&ada, "/cart/checkout", &json!({})).await;
    late.expect_problem(401, "invalid_token");
    assert_eq!(shop.stock(&lamp).await, (10, 0, 10));
    shop.close().await;
}
