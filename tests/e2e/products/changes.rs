//! PUT, PATCH and DELETE of a product.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Blocker, Customer, TestShop};
use cleave::settings::Module;

fn sofa() -> Value {
    json!({
        "sku": "SOFA", "name": "Sofa", "description": "To sit on", "handle": "sofa",
        "price": { "amount": 50_000, "currency": "EUR" },
        "attributes": { "colour": "blue", "size": "XL" },
        "is_active": true,
    })
}

async fn made(shop: &TestShop, admin: &Customer) -> (String, Value) {
    let mut body = sofa();
    body["stock"] = json!({ "on_hand": 7 });
    let category = json!({ "name": "Sofas" });
    let category = shop.post_as(admin, "/categories", &category).await;
    body["category_id"] = category.expect(201)["id"].clone();
    let made = shop.post_as(admin, "/products", &body).await.expect(201);
    (format!("/products/{}", made["id"].as_str().unwrap()), made)
}

/// All but when it was changed.
fn but_its_time(product: &Value) -> Value {
    let mut product = product.clone();
    product["updated_at"] = Value::Null;
    product
}

#[tokio::test]
async fn put_replaces_the_whole_but_the_stock() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (path, before) = made(&shop, &admin).await;
    let price = json!({ "amount": 1, "currency": "EUR" });
    let bare = json!({ "sku": "SOFA-2", "name": "Settee", "price": price });
    let after = shop.put_as(&admin, &path, &bare).await.expect(200);
    for (field, expected) in [
        ("id", before["id"].clone()),
        ("sku", "SOFA-2".into()),
        ("name", "Settee".into()),
        ("description", "".into()),
        ("price", price.clone()),
        ("category_id", Value::Null),
        ("handle", Value::Null),
        ("attributes", json!({})),
        ("stock", before["stock"].clone()),
        ("is_active", true.into()),
        ("created_at", before["created_at"].clone()),
    ] {
        assert_eq!(after[field], expected, "{field}");
    }
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(shop.get(&path).await.expect(200), after);
    shop.get("/products/by-sku/SOFA")
        .await
        .expect_problem(404, "not_found");

    // What changes nothing is no change.
    assert_eq!(shop.put_as(&admin, &path, &bare).await.expect(200), after);
    shop.close().await;
}

#[tokio::test]
async fn put_refuses_what_post_refuses() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (path, before) = made(&shop, &admin).await;
    shop.product(&admin, "TAKEN", 1, 0).await;
    for (member, value, field) in [
        ("sku", json!(""), "sku"),
        ("sku", Value::Null, "sku"),
        ("name", json!(" "), "name"),
        ("description", Value::Null, "description"),
        (
            "price",
            json!({ "amount": 1, "currency": "USD" }),
            "price.currency",
        ),
        ("category_id", json!(admin.id), "category_id"),
        ("attributes", json!({ "a": null }), "attributes.a"),
        ("stock", json!({ "on_hand": 1 }), "stock"),
        ("id", before["id"].clone(), "id"),
    ] {
        let mut body = sofa();
        body[member] = value;
        println!("{body}");
        shop.put_as(&admin, &path, &body)
            .await
            .expect_invalid(field);
    }
    let mut taken = sofa();
    taken["sku"] = "TAKEN".into();
    let refused = shop.put_as(&admin, &path, &taken).await;
    refused.expect_problem(409, "sku_taken");
    assert_eq!(shop.get(&path).await.expect(200), before);
    let nothing = "/products/0198c5a0-0000-7000-8000-000000000000";
    let missing = shop.put_as(&admin, nothing, &sofa()).await;
    missing.expect_problem(404, "not_found");
    shop.close().await;
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (path, mut expected) = made(&shop, &admin).await;
    for (patch, field, value) in [
        (json!({ "name": "Settee" }), "name", json!("Settee")),
        (
            json!({ "price": { "amount": 1 } }),
            "price",
            json!({ "amount": 1, "currency": "EUR" }),
        ),
        (
            json!({ "attributes": { "colour": null, "legs": "4" } }),
            "attributes",
            json!({ "legs": "4", "size": "XL" }),
        ),
        (
            json!({ "attributes": { "never": null, "legs": "5" } }),
            "attributes",
            json!({ "legs": "5", "size": "XL" }),
        ),
        (json!({ "handle": null }), "handle", Value::Null),
        (json!({ "category_id": null }), "category_id", Value::Null),
        (json!({ "is_active": false }), "is_active", json!(false)),
        (json!({ "is_active": null }), "is_active", json!(true)),
        (json!({ "description": null }), "description", json!("")),
        (json!({ "attributes": null }), "attributes", json!({})),
        (json!({}), "is_active", json!(true)),
    ] {
        expected[field] = value;
        let after = shop.patch_as(&admin, &path, &patch).await.expect(200);
        assert_eq!(but_its_time(&after), but_its_time(&expected), "{patch}");
    }
    let request = shop.request(Method::PATCH, &format!("/api/v1{path}"));
    let request = request
        .bearer_auth(&admin.token)
        .header("content-type", "application/merge-patch+json")
        .body(r#"{"name":"Divan"}"#);
    assert_eq!(shop.send(request).await.expect(200)["name"], "Divan");
    // Nowhere else is a patch a body.
    let request = shop.request(Method::PUT, &format!("/api/v1{path}"));
    let request = request
        .bearer_auth(&admin.token)
        .header("content-type", "application/merge-patch+json")
        .body(r#"{"name":"Divan"}"#);
    shop.send(request)
        .await
        .expect_problem(415, "unsupported_media_type");
    shop.close().await;
}

#[tokio::test]
async fn a_patch_that_is_wrong_changes_nothing() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (path, before) = made(&shop, &admin).await;
    shop.product(&admin, "TAKEN", 1, 0).await;
    for (patch, field) in [
        (json!({ "sku": null }), "sku"),
        (json!({ "name": null }), "name"),
        (json!({ "price": null }), "price"),
        (json!({ "price": { "amount": null } }), "price.amount"),
        (json!({ "price": { "currency": null } }), "price.currency"),
        (json!({ "price": { "tax": null } }), "price.tax"),
        (json!({ "attributes": { "a": 1 } }), "attributes.a"),
        (json!({ "attributes": { "": "a" } }), "attributes"),
        (json!({ "name": "x", "sku": " " }), "sku"),
        (json!({ "name": 7 }), "name"),
        (json!({ "stock": { "on_hand": 1 } }), "stock"),
        (json!({ "stock": null }), "stock"),
        (json!({ "colour": null }), "colour"),
        (json!({ "category_id": admin.id }), "category_id"),
        (json!([]), "body"),
        (json!("name"), "body"),
        (Value::Null, "body"),
    ] {
        println!("{patch}");
        let refused = shop.patch_as(&admin, &path, &patch).await;
        refused.expect_invalid(field);
    }
    let taken = shop
        .patch_as(&admin, &path, &json!({ "sku": "TAKEN" }))
        .await;
    taken.expect_problem(409, "sku_taken");
    let request = || shop.request(Method::PATCH, &format!("/api/v1{path}"));
    let request = |media_type| {
        let request = request().bearer_auth(&admin.token);
        request.header("content-type", media_type)
    };
    let empty = shop.send(request("application/json")).await;
    let now = shop.get(&path).await.expect(200);
    assert_eq!(empty.expect(200), now);
    let broken = shop
        .send(request("application/merge-patch+json").body("{"))
        .await;
    broken.expect_problem(400, "malformed_json");
    let other = request("application/json-patch+json").body("[]");
    let other = shop.send(other).await;
    other.expect_problem(415, "unsupported_media_type");
    assert_eq!(shop.get(&path).await.expect(200), before);
    let nothing = "/products/0198c5a0-0000-7000-8000-000000000000";
    let missing = shop.patch_as(&admin, nothing, &json!({})).await;
    missing.expect_problem(404, "not_found");
    shop.close().await;
}

#[tokio::test]
async fn two_patches_at_once_both_count() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (path, before) = made(&shop, &admin).await;
    let id = before["id"].as_str().unwrap();
    let lock = format!("select from products where id = '{id}' for update");
    let database = shop.databases.of(Module::Products);
    let mut blocker = Blocker::hold(database, &lock).await;
    let patches = [
        json!({ "name": "Settee" }),
        json!({ "description": "New" }),
        json!({ "attributes": { "a": "1" } }),
        json!({ "attributes": { "b": "2" } }),
    ];
    let all = patches
        .iter()
        .map(|patch| shop.patch_as(&admin, &path, patch));
    let all = futures_util::future::join_all(all);
    let (answers, ()) = futures_util::join!(all, async {
        blocker.victims(patches.len()).await;
        blocker.release().await;
    });
    assert!(answers.iter().all(|answer| answer.status == 200));
    let after = shop.get(&path).await.expect(200);
    assert_eq!(after["name"], "Settee");
    assert_eq!(after["description"], "New");
    let attributes = json!({ "a": "1", "b": "2", "colour": "blue", "size": "XL" });
    assert_eq!(after["attributes"], attributes);
    shop.close().await;
}

#[tokio::test]
async fn a_product_that_is_deleted_is_off_sale_and_comes_back() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let (path, before) = made(&shop, &admin).await;
    let id = before["id"].as_str().unwrap();
    let order = shop.place_order(&ada, &[(id, 1)]).await.expect(201);
    for _ in 0..2 {
        let deleted = shop.delete_as(&admin, &path).await;
        assert_eq!(deleted.text, "");
        deleted.expect(204);
    }
    shop.get(&path).await.expect_problem(404, "not_found");
    let refused = shop.place_order(&ada, &[(id, 1)]).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let order = format!("/orders/{}", order["id"].as_str().unwrap());
    let order = shop.get_as(&ada, &order).await.expect(200);
    assert_eq!(order["items"][0]["sku"], "SOFA");
    let hidden = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(hidden["is_active"], false);

    let back = json!({ "is_active": true });
    shop.patch_as(&admin, &path, &back).await.expect(200);
    shop.place_order(&ada, &[(id, 1)]).await.expect(201);
    let nothing = "/products/0198c5a0-0000-7000-8000-000000000000";
    let missing = shop.delete_as(&admin, nothing).await;
    missing.expect_problem(404, "not_found");
    shop.close().await;
}
