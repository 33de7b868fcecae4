//! Making, moving and deleting categories.

use cleave::settings::Module;
use futures_util::join;
use serde_json::{Value, json};

use crate::support::{Blocker, Customer, TestShop};

const NOTHING: &str = "0198c5a0-0000-7000-8000-000000000000";

async fn make(shop: &TestShop, admin: &Customer, name: &str, parent: Option<&str>) -> String {
    let body = json!({ "name": name, "parent_id": parent });
    let made = shop.post_as(admin, "/categories", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn path(id: &str) -> String {
    format!("/categories/{id}")
}

#[tokio::test]
async fn a_category_is_read_where_it_was_put() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let home = make(&shop, &admin, "Home & Garden", None).await;
    let body = json!({ "name": "Lampen für Große", "parent_id": home });
    let made = shop.post_as(&admin, "/categories", &body).await;
    let location = made.header("location").unwrap().to_owned();
    let made = made.expect(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/categories/{id}"));
    let expected = json!({
        "id": id, "name": "Lampen für Große", "slug": "lampen-fur-grosse",
        "parent_id": home, "children": [],
    });
    assert_eq!(made, expected);
    assert_eq!(shop.get(&path(id)).await.expect(200), expected);

    let whole = json!({ "name": "Lamps", "slug": "lamps", "parent_id": home });
    let renamed = shop.put_as(&admin, &path(id), &whole).await.expect(200);
    assert_eq!(
        (&renamed["name"], &renamed["slug"]),
        (&json!("Lamps"), &json!("lamps"))
    );
    let tree = shop.get("/categories").await.expect(200);
    assert_eq!(tree["items"][0]["slug"], "home-garden");
    assert_eq!(tree["items"][0]["children"], json!([renamed]));

    // Of the same name, elsewhere: a slug that is free.
    for (slug, renamed) in [("lamps-2", "Lamps"), ("lamps-3", "LAMPS!")] {
        let body = json!({ "name": renamed });
        let other = shop.post_as(&admin, "/categories", &body).await.expect(201);
        assert_eq!(other["slug"], slug);
        let other = path(other["id"].as_str().unwrap());
        let same = shop.put_as(&admin, &other, &body).await.expect(200);
        assert_eq!(same["slug"], slug);
    }

    // What is left out returns to its default.
    let bare = shop
        .put_as(&admin, &path(id), &json!({ "name": "Lights" }))
        .await;
    let bare = bare.expect(200);
    assert_eq!(
        (&bare["slug"], &bare["parent_id"]),
        (&json!("lights"), &Value::Null)
    );
    shop.close().await;
}

#[tokio::test]
async fn a_branch_moves_with_its_products() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let home = make(&shop, &admin, "Home", None).await;
    let garden = make(&shop, &admin, "Garden", None).await;
    let lamps = make(&shop, &admin, "Lamps", Some(&home)).await;
    let desk = make(&shop, &admin, "Desk lamps", Some(&lamps)).await;
    let body = json!({
        "sku": "LAMP", "name": "Lamp", "category_id": desk,
        "price": { "amount": 1, "currency": "EUR" },
    });
    shop.post_as(&admin, "/products", &body).await.expect(201);
    let body = json!({ "name": "Lamps", "parent_id": garden });
    let moved = shop.put_as(&admin, &path(&lamps), &body).await.expect(200);
    assert_eq!(moved["children"][0]["id"], json!(desk));
    for (slug, expected) in [("home", 0), ("garden", 1), ("lamps", 1)] {
        let list = format!("/products?category={slug}");
        let page = shop.get(&list).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{slug}");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_category_is_named() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let home = make(&shop, &admin, "Home", None).await;
    let lamps = make(&shop, &admin, "Lamps", Some(&home)).await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "é".repeat(201) }), "name"),
        (json!({ "name": "A", "slug": "" }), "slug"),
        (json!({ "name": "A", "slug": "Two Words" }), "slug"),
        (json!({ "name": "A", "slug": "a".repeat(201) }), "slug"),
        (json!({ "name": "A", "parent_id": "home" }), "parent_id"),
        (json!({ "name": "A", "parent_id": NOTHING }), "parent_id"),
        (json!({ "name": "A", "children": [] }), "children"),
    ] {
        println!("{body}");
        shop.post_as(&admin, "/categories", &body)
            .await
            .expect_invalid(field);
        shop.put_as(&admin, &path(&lamps), &body)
            .await
            .expect_invalid(field);
    }
    let taken = json!({ "name": "A", "slug": "home" });
    let refused = shop.post_as(&admin, "/categories", &taken).await;
    refused.expect_problem(409, "slug_taken");
    let refused = shop.put_as(&admin, &path(&lamps), &taken).await;
    refused.expect_problem(409, "slug_taken");
    let below = json!({ "name": "Home", "parent_id": lamps });
    let itself = json!({ "name": "Home", "parent_id": home });
    for cycle in [below, itself] {
        let refused = shop.put_as(&admin, &path(&home), &cycle).await;
        refused.expect_problem(409, "category_cycle");
    }
    for id in [NOTHING, "home"] {
        let missing = [
            shop.get(&path(id)).await,
            shop.put_as(&admin, &path(id), &json!({ "name": "A" }))
                .await,
            shop.delete_as(&admin, &path(id)).await,
        ];
        for answer in missing {
            answer.expect_problem(404, "not_found");
        }
    }
    let tree = shop.get("/categories").await.expect(200);
    assert_eq!(tree["items"][0]["children"][0]["id"], json!(lamps));
    shop.close().await;
}

#[tokio::test]
async fn categories_are_nested_up_to_twenty_levels() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let mut chain = vec![make(&shop, &admin, "0", None).await];
    for level in 1..20 {
        let parent = chain.last().unwrap();
        chain.push(make(&shop, &admin, &level.to_string(), Some(parent)).await);
    }
    let deeper = json!({ "name": "deeper", "parent_id": chain[19] });
    shop.post_as(&admin, "/categories", &deeper)
        .await
        .expect_invalid("parent_id");
    // With all that is below it.
    let top = make(&shop, &admin, "top", None).await;
    let lower = json!({ "name": "0", "parent_id": top });
    shop.put_as(&admin, &path(&chain[0]), &lower)
        .await
        .expect_invalid("parent_id");
    let lower = json!({ "name": "1", "parent_id": top });
    shop.put_as(&admin, &path(&chain[1]), &lower)
        .await
        .expect(200);
    shop.close().await;
}

#[tokio::test]
async fn two_moves_at_once_close_no_ring() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let a = make(&shop, &admin, "A", None).await;
    let b = make(&shop, &admin, "B", None).await;
    let database = shop.databases.of(Module::Products);
    let mut blocker = Blocker::hold(database, "select from category_tree for update").await;
    let (under_b, under_a) = (
        json!({ "name": "A", "parent_id": b }),
        json!({ "name": "B", "parent_id": a }),
    );
    let (a, b) = (path(&a), path(&b));
    let (first, second, ()) = join!(
        shop.put_as(&admin, &a, &under_b),
        shop.put_as(&admin, &b, &under_a),
        async {
            blocker.victims(2).await;
            blocker.release().await;
        }
    );
    let (moved, refused) = match first.status == 200 {
        true => (first, second),
        false => (second, first),
    };
    moved.expect(200);
    refused.expect_problem(409, "category_cycle");
    let tree = shop.get("/categories").await.expect(200);
    assert_eq!(tree["items"][0]["children"].as_array().unwrap().len(), 1);
    shop.close().await;
}

#[tokio::test]
async fn a_category_goes_when_nothing_is_in_it() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let home = make(&shop, &admin, "Home", None).await;
    let lamps = make(&shop, &admin, "Lamps", Some(&home)).await;
    let id = shop.product(&admin, "LAMP", 1, 0).await;
    let product = format!("/products/{id}");
    let into = |category: Option<&str>| json!({ "category_id": category, "is_active": false });
    shop.patch_as(&admin, &product, &into(Some(&lamps)))
        .await
        .expect(200);
    for used in [&home, &lamps] {
        let refused = shop.delete_as(&admin, &path(used)).await;
        refused.expect_problem(409, "category_in_use");
    }
    shop.patch_as(&admin, &product, &into(None))
        .await
        .expect(200);
    for unused in [&lamps, &home] {
        let gone = shop.delete_as(&admin, &path(unused)).await;
        assert_eq!(gone.text, "");
        gone.expect(204);
    }
    let tree = shop.get("/categories").await.expect(200);
    assert_eq!(tree, json!({ "items": [] }));
    shop.close().await;
}

/// Whoever comes second waits, and finds out.
#[tokio::test]
async fn a_product_never_stands_in_a_category_that_is_gone() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for _ in 0..5 {
        let lamps = make(&shop, &admin, "Lamps", None).await;
        let body = json!({
            "sku": lamps, "name": "Lamp", "category_id": lamps,
            "price": { "amount": 1, "currency": "EUR" },
        });
        let category = path(&lamps);
        let (product, gone) = join!(
            shop.post_as(&admin, "/products", &body),
            shop.delete_as(&admin, &category)
        );
        match product.status.as_u16() {
            201 => {
                gone.expect_problem(409, "category_in_use");
                let id = product.json["id"].as_str().unwrap().to_owned();
                let out = json!({ "category_id": null });
                let product = format!("/products/{id}");
                shop.patch_as(&admin, &product, &out).await.expect(200);
                shop.delete_as(&admin, &category).await.expect(204);
            }
            _ => {
                product.expect_invalid("category_id");
                gone.expect(204);
            }
        }
    }
    shop.close().await;
}
