use serde_json::{Value, json};

use crate::support::{Customer, TestShop};

async fn category(shop: &TestShop, admin: &Customer, name: &str, parent: Value) -> Value {
    let body = json!({ "name": name, "parent_id": parent });
    let made = shop.post_as(admin, "/categories", &body).await.expect(201);
    made["id"].clone()
}

/// Two chairs and a table at home, a lamp in no category, and a table that is off sale.
async fn furnish(shop: &TestShop, admin: &Customer) {
    let home = category(shop, admin, "Home", Value::Null).await;
    let chairs = category(shop, admin, "Chairs", home.clone()).await;
    for (sku, name, category, price, on_hand, colour, active) in [
        ("C1", "Oak chair", &chairs, 300, 5, "brown", true),
        ("C2", "Red chair", &chairs, 100, 0, "red", true),
        ("T1", "Oak table", &home, 900, 1, "brown", true),
        ("L1", "Lamp", &Value::Null, 50, 2, "black", true),
        ("T2", "Old table", &home, 1, 2, "grey", false),
    ] {
        let body = json!({
            "sku": sku, "name": name, "category_id": category, "is_active": active,
            "price": { "amount": price, "currency": "EUR" }, "stock": { "on_hand": on_hand },
            "attributes": { "colour": colour, "image_src": "https://example.com/a.jpg" },
        });
        shop.post_as(admin, "/products", &body).await.expect(201);
    }
}

async fn facets(shop: &TestShop, query: &str) -> Value {
    let path = format!("/products?facets=true&limit=1&{query}");
    let page = shop.get(&path).await.expect(200);
    let facets = page["facets"].clone();
    assert_eq!(facets["approximate"], false);
    facets
}

fn counts(of: &Value, name: &str) -> Vec<(String, i64)> {
    let of = of.as_array().unwrap().iter();
    of.map(|one| {
        (
            one[name].as_str().unwrap().to_owned(),
            one["count"].as_i64().unwrap(),
        )
    })
    .collect()
}

fn owned(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = |(name, count): &(&str, i64)| ((*name).to_owned(), *count);
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn facets_count_the_whole_list() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    furnish(&shop, &admin).await;
    let all = facets(&shop, "").await;
    assert_eq!(all["counted"], 4);
    // A category counts what is below it, as its filter does.
    let categories = counts(&all["categories"], "slug");
    assert_eq!(categories, owned(&[("home", 3), ("chairs", 2)]));
    assert_eq!(
        all["price"]["min"],
        json!({ "amount": 50, "currency": "EUR" })
    );
    assert_eq!(
        all["price"]["max"],
        json!({ "amount": 900, "currency": "EUR" })
    );
    assert_eq!(
        all["availability"],
        json!({ "in_stock": 3, "out_of_stock": 1 })
    );
    assert_eq!(all["attributes"].as_array().unwrap().len(), 1);
    assert_eq!(all["attributes"][0]["name"], "colour");
    let colours = counts(&all["attributes"][0]["values"], "value");
    assert_eq!(colours, owned(&[("brown", 2), ("black", 1), ("red", 1)]));

    let page = shop.get("/products").await.expect(200);
    assert_eq!(page.get("facets"), None);
    let path = "/products?facets=true&is_active=false";
    let hidden = shop.get_as(&admin, path).await.expect(200);
    assert_eq!(hidden["facets"]["counted"], 1);
    shop.close().await;
}

#[tokio::test]
async fn facets_count_what_the_filters_leave() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    furnish(&shop, &admin).await;
    for (query, counted) in [
        ("category=home", 3),
        ("category=chairs&in_stock=true", 1),
        ("in_stock=false", 1),
        ("min_price=100&max_price=300", 2),
        ("q=oak", 2),
        ("q=chiar", 2),
        ("q=oak&max_price=300", 1),
        ("q=bicycle", 0),
        ("q=%26", 0),
        ("handle=none", 0),
        ("is_active=false", 0),
    ] {
        let facets = facets(&shop, query).await;
        assert_eq!(facets["counted"], counted, "{query}: {facets}");
        let listed = shop.get(&format!("/products?{query}")).await.expect(200);
        let listed = listed["items"].as_array().unwrap().len();
        assert_eq!(json!(listed), counted, "{query}");
        assert_eq!(facets["price"].is_null(), counted == 0);
    }
    shop.get("/products?facets=yes")
        .await
        .expect_invalid("facets");
    shop.close().await;
}
