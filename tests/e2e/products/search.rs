use serde_json::json;

use crate::support::TestShop;

async fn open() -> TestShop {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for (sku, name, description, colour) in [
        ("CHAIR-1", "Oak chair", "Made of solid oak", "brown"),
        ("LAMP-1", "Desk lamp", "Lights a chair and a table", "black"),
        ("MUG-1", "Café mug", "For 300 ml of coffee", "white"),
        ("CANDLE-1", "Vanilla candle", "Burns for 40 hours", "ivory"),
        ("SET-1", "Chair", "The one and only", "red"),
    ] {
        let body = json!({
            "sku": sku, "name": name, "description": description,
            "attributes": { "colour": colour },
            "price": { "amount": 100, "currency": "EUR" },
        });
        shop.post_as(&admin, "/products", &body).await.expect(201);
    }
    shop
}

async fn search(shop: &TestShop, query: &str) -> Vec<String> {
    let path = format!("/api/v1/products?q={query}");
    let request = shop.request(reqwest::Method::GET, &path);
    let page = shop.send(request).await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["sku"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn products_are_found_by_what_they_say() {
    let shop = open().await;
    for (query, expected) in [
        ("candle", vec!["CANDLE-1"]),
        ("VANILLA", vec!["CANDLE-1"]),
        ("candle vanilla", vec!["CANDLE-1"]),
        ("vanilla chair", vec![]),
        // The name itself, then names that hold the word, then descriptions.
        ("chair", vec!["SET-1", "CHAIR-1", "LAMP-1"]),
        ("cafe", vec!["MUG-1"]),
        ("caf%C3%A9", vec!["MUG-1"]),
        ("coffee", vec!["MUG-1"]),
        ("ivory", vec!["CANDLE-1"]),
        ("lamp-1", vec!["LAMP-1"]),
        ("hours", vec!["CANDLE-1"]),
        ("300", vec!["MUG-1"]),
        ("bicycle", vec![]),
    ] {
        assert_eq!(search(&shop, query).await, expected, "{query}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_typing_error_is_forgiven() {
    let shop = open().await;
    for (query, expected) in [
        ("candel", "CANDLE-1"),
        ("cnadle", "CANDLE-1"),
        ("vanila", "CANDLE-1"),
        ("vannilla", "CANDLE-1"),
        ("vanikla", "CANDLE-1"),
        ("candle%20vanlla", "CANDLE-1"),
        ("laamp", "LAMP-1"),
    ] {
        assert_eq!(search(&shop, query).await, [expected], "{query}");
    }
    // The first letters of a word are no error.
    assert_eq!(search(&shop, "vani").await, ["CANDLE-1"]);
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_word_does_not_break_a_search() {
    let shop = open().await;
    for query in [
        "'",
        "%27%3B--",
        "%26",
        "%7C%7C",
        "%3A*",
        "%5C",
        "(",
        "%2500",
        "*",
        "%E2%80%A6",
    ] {
        let found = search(&shop, query).await;
        assert!(found.len() <= 5, "{query}");
    }
    assert_eq!(search(&shop, "'candle'").await, ["CANDLE-1"]);
    assert_eq!(search(&shop, "candle%20%26%20!").await, ["CANDLE-1"]);
    // Nothing to search for is no search.
    assert_eq!(search(&shop, "").await.len(), 5);
    assert_eq!(search(&shop, "%20%20").await.len(), 5);
    shop.close().await;
}
