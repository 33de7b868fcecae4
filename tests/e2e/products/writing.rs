use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestShop;

fn sofa() -> Value {
    json!({
        "sku": "SOFA-1/B (blue)",
        "name": "Sofa \u{1f6cb} „Große“",
        "description": "To sit on.\nTwo lines.",
        "price": { "amount": 50_000, "currency": "EUR" },
        "handle": "sofa",
        "attributes": { "colour": "blue", "größe": "XL" },
        "stock": { "on_hand": 7 },
    })
}

#[tokio::test]
async fn a_product_is_read_as_it_was_written() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let made = shop.post_as(&admin, "/products", &sofa()).await;
    let location = made.header("location").unwrap().to_owned();
    let made = made.expect(201);
    let path = format!("/products/{}", made["id"].as_str().unwrap());
    assert_eq!(location, format!("/api/v1{path}"));
    for field in [
        "sku",
        "name",
        "description",
        "price",
        "handle",
        "attributes",
    ] {
        assert_eq!(made[field], sofa()[field]);
    }
    assert_eq!(
        made["stock"],
        json!({ "on_hand": 7, "reserved": 0, "available": 7 })
    );
    assert_eq!(made["category_id"], Value::Null);
    assert_eq!(made["images"], json!([]));
    assert_eq!(made["is_active"], true);
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));

    assert_eq!(shop.get(&path).await.expect(200), made);
    let by_sku = shop.get("/products/by-sku/SOFA-1%2FB%20(blue)").await;
    assert_eq!(by_sku.expect(200), made);
    let list = shop.get("/products").await.expect(200);
    assert_eq!(list, json!({ "items": [made], "next_cursor": null }));
    for unknown in [
        "/products/0198c5a0-0000-7000-8000-000000000000",
        "/products/by-sku/sofa-1%2Fb%20(blue)",
        "/products/by-sku/NONE",
    ] {
        shop.get(unknown).await.expect_problem(404, "not_found");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let bare = json!({ "sku": "A", "name": "A", "price": { "amount": 0, "currency": "EUR" } });
    let made = shop.post_as(&admin, "/products", &bare).await.expect(201);
    assert_eq!(made["description"], "");
    assert_eq!(made["attributes"], json!({}));
    assert_eq!(made["handle"], Value::Null);
    assert_eq!(made["is_active"], true);
    assert_eq!(made["stock"]["on_hand"], 0);
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_product_is_named() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let price = |amount: i64, currency: &str| json!({ "amount": amount, "currency": currency });
    for (member, value, field) in [
        ("sku", json!(""), "sku"),
        ("sku", json!(" A"), "sku"),
        ("sku", json!("A\nB"), "sku"),
        ("name", json!("  "), "name"),
        ("price", price(-1, "EUR"), "price.amount"),
        ("price", price(1, "USD"), "price.currency"),
        ("price", price(1, "eur"), "price.currency"),
        ("price", json!(19.99), "price"),
        ("price", json!({ "amount": 1 }), "price.currency"),
        ("handle", json!("two words"), "handle"),
        ("attributes", json!({ "": "x" }), "attributes"),
        ("attributes", json!({ "a": null }), "attributes.a"),
        ("stock", json!({ "on_hand": -1 }), "stock.on_hand"),
        ("stock", json!({ "reserved": 1 }), "stock.reserved"),
        ("category_id", json!("sofas"), "category_id"),
        ("category_id", json!(admin.id), "category_id"),
        ("id", json!(admin.id), "id"),
        ("is_active", json!("yes"), "is_active"),
    ] {
        let mut body = sofa();
        body[member] = value;
        println!("{body}");
        shop.post_as(&admin, "/products", &body)
            .await
            .expect_invalid(field);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_sku_is_taken_once() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let hidden = {
        let mut body = sofa();
        body["is_active"] = false.into();
        body
    };
    let all = (0..6).map(|_| shop.post_as(&admin, "/products", &hidden));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(made.count(), 1);
    let again = shop.post_as(&admin, "/products", &sofa()).await;
    again.expect_problem(409, "sku_taken");
    shop.close().await;
}

#[tokio::test]
async fn an_inactive_product_is_there_for_admins_only() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let mut db = shop.connect(Module::Products).await;
    sqlx::query("update products set is_active = false")
        .execute(&mut db)
        .await
        .unwrap();
    for path in [
        format!("/products/{id}"),
        "/products/by-sku/SOFA".to_owned(),
    ] {
        shop.get(&path).await.expect_problem(404, "not_found");
        let hidden = shop.get_as(&ada, &path).await;
        hidden.expect_problem(404, "not_found");
        let shown = shop.get_as(&admin, &path).await.expect(200);
        assert_eq!(shown["is_active"], false);
    }
    for list in ["/products", "/products?q=sofa", "/products?sort=price"] {
        let count = |page: Value| page["items"].as_array().unwrap().len();
        assert_eq!(count(shop.get(list).await.expect(200)), 0);
        assert_eq!(count(shop.get_as(&ada, list).await.expect(200)), 0);
        assert_eq!(count(shop.get_as(&admin, list).await.expect(200)), 1);
    }
    shop.close().await;
}

#[tokio::test]
async fn only_admins_write() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let mut other = sofa();
    other["sku"] = "OTHER".into();
    for (method, path, body) in [
        (Method::POST, "/products".to_owned(), other),
        (
            Method::PUT,
            format!("/products/{id}/stock"),
            json!({ "on_hand": 9 }),
        ),
        (
            Method::POST,
            format!("/products/{id}/stock/adjustments"),
            json!({ "delta": 1, "reason": "found" }),
        ),
    ] {
        let request = || {
            let path = format!("/api/v1{path}");
            shop.request(method.clone(), &path).json(&body)
        };
        let nobody = shop.send(request()).await;
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
        nobody.expect_problem(401, "missing_token");
        let customer = shop.send(request().bearer_auth(&ada.token)).await;
        customer.expect_problem(403, "forbidden");
    }
    assert_eq!(shop.stock(&id).await, (5, 0, 5));
    assert_eq!(shop.get("/products/by-sku/OTHER").await.status, 404);
    shop.close().await;
}
