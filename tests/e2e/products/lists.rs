use serde_json::{Value, json};

use crate::support::{Customer, TestShop};

fn skus(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["sku"].as_str().unwrap()).collect()
}

async fn list(shop: &TestShop, query: &str) -> Vec<String> {
    let page = shop.get(&format!("/products?{query}")).await.expect(200);
    skus(&page).into_iter().map(str::to_owned).collect()
}

/// All pages of a list; something happens after each.
async fn walk(shop: &TestShop, query: &str, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/products?limit=2&{query}{cursor}");
        let page = shop.get(&path).await.expect(200);
        assert!(skus(&page).len() <= 2);
        found.extend(skus(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        cursor = format!("&cursor={next}");
        between().await;
    }
}

/// A to E, with equal prices among them and names in another order.
async fn five(shop: &TestShop, admin: &Customer) {
    for (sku, name, price) in [
        ("A", "äpfel", 300),
        ("B", "Birnen", 100),
        ("C", "apfel", 300),
        ("D", "Zimt", 200),
        ("E", "birnen", 300),
    ] {
        let price = json!({ "amount": price, "currency": "EUR" });
        let body = json!({ "sku": sku, "name": name, "price": price });
        shop.post_as(admin, "/products", &body).await.expect(201);
    }
}

#[tokio::test]
async fn a_list_is_sorted_as_asked_and_ties_keep_their_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    five(&shop, &admin).await;
    assert_eq!(list(&shop, "").await, ["E", "D", "C", "B", "A"]);
    assert_eq!(list(&shop, "sort=newest").await, list(&shop, "").await);
    assert_eq!(list(&shop, "sort=relevance").await, list(&shop, "").await);
    assert_eq!(list(&shop, "sort=price").await, ["B", "D", "A", "C", "E"]);
    assert_eq!(list(&shop, "sort=-price").await, ["E", "C", "A", "D", "B"]);
    // As people sort: accents and case matter last.
    assert_eq!(list(&shop, "sort=name").await, ["C", "A", "E", "B", "D"]);
    for sort in ["newest", "price", "-price", "name"] {
        let query = format!("sort={sort}");
        let pages = walk(&shop, &query, async || {}).await;
        assert_eq!(pages, list(&shop, &query).await, "{sort}");
    }
    shop.close().await;
}

#[tokio::test]
async fn pages_skip_and_repeat_nothing_while_products_are_added() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    five(&shop, &admin).await;
    let mut added = 0;
    for (sort, before) in [
        ("newest", vec!["E", "D", "C", "B", "A"]),
        ("price", vec!["B", "D", "A", "C", "E"]),
        ("-price", vec!["E", "C", "A", "D", "B"]),
        ("name", vec!["C", "A", "E", "B", "D"]),
    ] {
        let found = walk(&shop, &format!("sort={sort}"), async || {
            // One that sorts first and one that sorts last, whatever the list.
            for (name, price) in [("aaa", 1), ("zzz", 999)] {
                added += 1;
                let price = json!({ "amount": price, "currency": "EUR" });
                let sku = format!("new-{added}");
                let body = json!({ "sku": sku, "name": name, "price": price });
                shop.post_as(&admin, "/products", &body).await.expect(201);
            }
        })
        .await;
        let old: Vec<_> = found.iter().filter(|sku| sku.len() == 1).collect();
        assert_eq!(old, before.iter().collect::<Vec<_>>(), "{sort}");
        let mut once = found.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), found.len(), "{sort}: {found:?}");
    }
    shop.close().await;
}

#[tokio::test]
async fn filters_narrow_a_list_and_can_be_combined() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for (sku, price, on_hand, handle) in [
        ("A", 100, 0, "shirt"),
        ("B", 200, 1, "shirt"),
        ("C", 300, 5, "sock"),
    ] {
        let body = json!({
            "sku": sku, "name": sku, "handle": handle, "stock": { "on_hand": on_hand },
            "price": { "amount": price, "currency": "EUR" },
        });
        shop.post_as(&admin, "/products", &body).await.expect(201);
    }
    for (query, expected) in [
        ("min_price=200", vec!["C", "B"]),
        ("max_price=200", vec!["B", "A"]),
        ("min_price=200&max_price=200", vec!["B"]),
        ("min_price=301", vec![]),
        ("in_stock=true", vec!["C", "B"]),
        ("in_stock=false", vec!["A"]),
        ("handle=shirt", vec!["B", "A"]),
        ("handle=shirt&in_stock=true", vec!["B"]),
        ("handle=none", vec![]),
        ("category=none", vec![]),
        ("handle=shirt&sort=price&max_price=100", vec!["A"]),
    ] {
        assert_eq!(list(&shop, query).await, expected, "{query}");
    }
    // What an order holds is not in stock.
    let id = shop.get("/products/by-sku/B").await.expect(200)["id"].clone();
    let id = id.as_str().unwrap();
    shop.place_order(&admin, &[(id, 1)]).await.expect(201);
    assert_eq!(list(&shop, "in_stock=true").await, ["C"]);
    assert_eq!(list(&shop, "in_stock=false").await, ["B", "A"]);
    shop.close().await;
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    five(&shop, &admin).await;
    let list = "/products?min_price=1&in_stock=false&limit=2";
    let page = shop.get(list).await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for query in [
        "min_price=2&in_stock=false",
        "min_price=1",
        "min_price=1&in_stock=true",
        "min_price=1&in_stock=false&max_price=500",
        "min_price=1&in_stock=false&sort=price",
        "min_price=1&in_stock=false&q=apfel",
        "min_price=1&in_stock=false&handle=a",
        "min_price=1&in_stock=false&category=a",
        "min_price=1&in_stock=false&is_active=true",
    ] {
        let path = format!("/products?{query}&cursor={cursor}");
        shop.get(&path).await.expect_invalid("cursor");
    }
    for same in [
        "min_price=1&in_stock=false&limit=5",
        "in_stock=false&min_price=1&facets=true&sort=newest",
    ] {
        let path = format!("/products?{same}&cursor={cursor}");
        let page = shop.get(&path).await.expect(200);
        assert_eq!(skus(&page), ["C", "B", "A"]);
    }
    shop.close().await;
}

#[tokio::test]
async fn filters_go_with_every_sort_and_with_search() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for number in 0..9 {
        let body = json!({
            "sku": number.to_string(), "name": format!("Lamp {number}"),
            "price": { "amount": 100 * (number % 3), "currency": "EUR" },
            "stock": { "on_hand": number % 2 }, "handle": "lamp",
        });
        shop.post_as(&admin, "/products", &body).await.expect(201);
    }
    let filters = "handle=lamp&min_price=100&max_price=200&in_stock=true";
    for sort in ["relevance", "newest", "price", "-price", "name"] {
        for q in ["", "&q=lamp", "&q=lmap"] {
            let query = format!("{filters}&sort={sort}{q}");
            let mut found = walk(&shop, &query, async || {}).await;
            assert_eq!(found, list(&shop, &query).await, "{query}");
            found.sort();
            assert_eq!(found, ["1", "5", "7"], "{query}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn administrators_choose_what_is_off_sale() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    five(&shop, &admin).await;
    for sku in ["B", "D"] {
        let product = shop.get(&format!("/products/by-sku/{sku}")).await;
        let id = product.expect(200)["id"].as_str().unwrap().to_owned();
        let path = format!("/products/{id}");
        shop.delete_as(&admin, &path).await.expect(204);
    }
    for (query, to_admins, to_others) in [
        (
            "sort=price",
            vec!["B", "D", "A", "C", "E"],
            vec!["A", "C", "E"],
        ),
        (
            "sort=price&is_active=true",
            vec!["A", "C", "E"],
            vec!["A", "C", "E"],
        ),
        ("sort=price&is_active=false", vec!["B", "D"], vec![]),
        ("q=birnen&is_active=false", vec!["B"], vec![]),
    ] {
        let path = format!("/products?{query}");
        let page = shop.get_as(&admin, &path).await.expect(200);
        assert_eq!(skus(&page), to_admins, "{query}");
        assert_eq!(list(&shop, query).await, to_others, "{query}");
    }
    for (query, field) in [
        ("is_active=1", "is_active"),
        ("in_stock=yes", "in_stock"),
        ("in_stock=", "in_stock"),
        ("min_price=-1", "min_price"),
        ("min_price=1.5", "min_price"),
        ("max_price=1000000000001", "max_price"),
        ("min_price=2&max_price=1", "max_price"),
        ("handle=", "handle"),
        ("category=", "category"),
        ("sort=cheap", "sort"),
        ("cursor=", "cursor"),
    ] {
        let path = format!("/products?{query}");
        shop.get(&path).await.expect_invalid(field);
    }
    shop.close().await;
}
