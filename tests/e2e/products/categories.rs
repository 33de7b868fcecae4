use cleave::settings::Module;
use serde_json::{Value, json};

use crate::support::{Customer, TestShop};

async fn category(shop: &TestShop, slug: &str, parent: Option<&str>) -> String {
    let mut db = shop.connect(Module::Products).await;
    let id: uuid::Uuid = sqlx::query_scalar(
        "insert into categories (id, name, slug, parent_id)
         values ($1, initcap($2), $2, (select id from categories where slug = $3)) returning id",
    )
    .bind(uuid::Uuid::now_v7())
    .bind(slug)
    .bind(parent)
    .fetch_one(&mut db)
    .await
    .unwrap();
    id.to_string()
}

async fn product_in(shop: &TestShop, admin: &Customer, sku: &str, category: &str) {
    let price = json!({ "amount": 1, "currency": "EUR" });
    let body = json!({ "sku": sku, "name": sku, "price": price, "category_id": category });
    let made = shop.post_as(admin, "/products", &body).await.expect(201);
    assert_eq!(made["category_id"], category);
}

#[tokio::test]
async fn categories_are_a_tree_in_the_order_of_their_names() {
    let shop = TestShop::open().await;
    assert_eq!(
        shop.get("/categories").await.expect(200),
        json!({ "items": [] })
    );
    let home = category(&shop, "home", None).await;
    let lamps = category(&shop, "lamps", Some("home")).await;
    let beds = category(&shop, "beds", Some("home")).await;
    let garden = category(&shop, "garden", None).await;
    let node = |id: &str, slug: &str, name: &str, parent: Value, children: Value| json!({ "id": id, "name": name, "slug": slug, "parent_id": parent, "children": children });
    let below = json!([
        node(&beds, "beds", "Beds", json!(home), json!([])),
        node(&lamps, "lamps", "Lamps", json!(home), json!([])),
    ]);
    let items = json!([
        node(&garden, "garden", "Garden", Value::Null, json!([])),
        node(&home, "home", "Home", Value::Null, below),
    ]);
    let tree = shop.get("/categories").await.expect(200);
    assert_eq!(tree, json!({ "items": items }));
    shop.close().await;
}

#[tokio::test]
async fn a_category_lists_what_is_below_it_too() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let home = category(&shop, "home", None).await;
    let lamps = category(&shop, "lamps", Some("home")).await;
    let desk = category(&shop, "desk-lamps", Some("lamps")).await;
    let garden = category(&shop, "garden", None).await;
    for (sku, category) in [("HOME", &home), ("DESK", &desk), ("GARDEN", &garden)] {
        product_in(&shop, &admin, sku, category).await;
    }
    for (query, expected) in [
        ("category=home", vec!["DESK", "HOME"]),
        (&*format!("category={home}"), vec!["DESK", "HOME"]),
        ("category=lamps", vec!["DESK"]),
        (&*format!("category={lamps}&sort=price"), vec!["DESK"]),
        ("category=garden", vec!["GARDEN"]),
        ("category=attic", vec![]),
        ("category=home&q=desk", vec!["DESK"]),
    ] {
        let page = shop.get(&format!("/products?{query}")).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        let skus: Vec<_> = items.map(|item| item["sku"].as_str().unwrap()).collect();
        assert_eq!(skus, expected, "{query}");
    }
    shop.close().await;
}
