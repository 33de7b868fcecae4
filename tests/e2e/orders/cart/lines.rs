use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Module, cart, in_products, line, lines, put};
use crate::support::{CLOSED, Customer, TestShop, Topology, lose};

#[tokio::test]
async fn lines_are_put_in_changed_and_taken_out() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (sofa, lamp) = (
        shop.product(&admin, "SOFA", 50_000, 4).await,
        shop.product(&admin, "LAMP", 1_999, 10).await,
    );
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let nothing = json!({ "items": [], "total": { "amount": 0, "currency": "EUR" } });
    let empty = shop.get_as(&ada, "/cart").await;
    assert_eq!(empty.header("cache-control"), Some("no-store"));
    assert_eq!(empty.expect(200), nothing);

    let with_sofa = put(&shop, &ada, &sofa, 1).await.expect(200);
    let sofas = json!({
        "product_id": sofa, "sku": "SOFA", "name": "Product SOFA", "quantity": 1,
        "unit_price": { "amount": 50_000, "currency": "EUR" },
        "line_total": { "amount": 50_000, "currency": "EUR" },
        "available": 4, "changes": [],
    });
    assert_eq!(with_sofa["items"], json!([sofas]));
    put(&shop, &ada, &lamp, 3).await.expect(200);
    let changed = put(&shop, &ada, &sofa, 2).await.expect(200);
    assert_eq!(changed["total"]["amount"], 2 * 50_000 + 3 * 1_999);
    // In the order in which they came.
    assert_eq!(lines(&changed), [line(&sofa, 2), line(&lamp, 3)]);
    assert_eq!(cart(&shop, &ada).await, changed);
    assert_eq!(cart(&shop, &bob).await, nothing);
    // It holds no stock.
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));

    let without = put(&shop, &ada, &sofa, 0).await.expect(200);
    assert_eq!(lines(&without), [line(&lamp, 3)]);
    put(&shop, &ada, &sofa, 0).await.expect(200);
    put(&shop, &ada, &sofa, 1).await.expect(200);
    let path = format!("/cart/items/{lamp}");
    for _ in 0..2 {
        let without = shop.delete_as(&ada, &path).await.expect(200);
        assert_eq!(lines(&without), [line(&sofa, 1)]);
    }
    put(&shop, &bob, &lamp, 1).await.expect(200);
    let cleared = shop.delete_as(&ada, "/cart").await;
    assert_eq!(cleared.expect(200), nothing);
    assert_eq!(cart(&shop, &ada).await, nothing);
    assert_eq!(lines(&cart(&shop, &bob).await), [line(&lamp, 1)]);

    let databases = shop.databases.clone();
    shop.close().await;
    let shop = TestShop::open_on(databases, Topology::default(), &[]).await;
    assert_eq!(lines(&cart(&shop, &bob).await), [line(&lamp, 1)]);
    shop.close().await;
}

#[tokio::test]
async fn a_line_tells_what_has_changed_since_it_was_put_in() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (sofa, lamp) = (
        shop.product(&admin, "SOFA", 50_000, 4).await,
        shop.product(&admin, "LAMP", 1_999, 10).await,
    );
    let ada = shop.customer("ada").await;
    put(&shop, &ada, &sofa, 2).await.expect(200);
    // More than there is may be wished for.
    let short = put(&shop, &ada, &lamp, 11).await.expect(200);
    let insufficient = json!(["insufficient_stock"]);
    assert_eq!(lines(&short)[1].2, insufficient);
    assert_eq!(short["items"][1]["available"], 10);
    assert_eq!(short["total"]["amount"], 2 * 50_000 + 11 * 1_999);

    let dearer = format!("update products set price_minor = 60000 where id = '{sofa}'");
    in_products(&shop, &dearer).await;
    let changed = cart(&shop, &ada).await;
    assert_eq!(lines(&changed)[0].2, json!(["price_changed"]));
    assert_eq!(changed["items"][0]["line_total"]["amount"], 120_000);
    // Only to put it in again acknowledges the price; to read it does not.
    assert_eq!(cart(&shop, &ada).await, changed);
    put(&shop, &ada, &lamp, 12).await.expect(200);
    assert_eq!(cart(&shop, &ada).await["items"][0], changed["items"][0]);
    let seen = put(&shop, &ada, &sofa, 2).await.expect(200);
    assert_eq!(lines(&seen)[0].2, json!([]));

    let both = format!(
        "update products set price_minor = 1 where id = '{sofa}';
         update stock set on_hand = 1 where product_id = '{sofa}';
         insert into stock_movements (product_id, delta, reason) values ('{sofa}', -3, 'broken');
         update products set is_active = false where id = '{lamp}'"
    );
    in_products(&shop, &both).await;
    let changed = cart(&shop, &ada).await;
    let two = json!(["price_changed", "insufficient_stock"]);
    assert_eq!(lines(&changed)[0].2, two);
    assert_eq!(lines(&changed)[1].2, json!(["unavailable"]));
    assert_eq!(changed["items"][1]["available"], 0);
    assert_eq!(changed["items"][1]["sku"], "LAMP");
    assert_eq!(changed["total"]["amount"], 2);
    let refused = put(&shop, &ada, &lamp, 1).await;
    refused.expect_problem(422, "unknown_product");
    let out = put(&shop, &ada, &lamp, 0).await.expect(200);
    assert_eq!(out["items"].as_array().unwrap().len(), 1);
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_line_is_refused() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let dear = shop.product(&admin, "DEAR", 1_000_000_000_000, 1).await;
    let ada = shop.customer("ada").await;
    let path = format!("/cart/items/{sofa}");
    for (body, field) in [
        (json!({ "quantity": -1 }), "quantity"),
        (json!({ "quantity": 1_000_001 }), "quantity"),
        (json!({ "quantity": "1" }), "quantity"),
        (json!({ "quantity": null }), "quantity"),
        (json!({}), "quantity"),
        (json!({ "quantity": 1, "price": 1 }), "price"),
    ] {
        shop.put_as(&ada, &path, &body).await.expect_invalid(field);
    }
    for product in [Uuid::now_v7().to_string(), Uuid::nil().to_string()] {
        let problem = put(&shop, &ada, &product, 1).await;
        let problem = problem.expect_problem(422, "unknown_product");
        assert_eq!(problem["errors"][0]["field"], "product_id");
        put(&shop, &ada, &product, 0).await.expect(200);
    }
    let too_much = put(&shop, &ada, &dear, 1_000_000).await;
    too_much.expect(200);
    let malformed = put(&shop, &ada, "sofa", 1).await;
    malformed.expect_problem(404, "not_found");
    let malformed = shop.delete_as(&ada, "/cart/items/sofa").await;
    malformed.expect_problem(404, "not_found");
    let body = json!({ "quantity": 1_000_000 });
    shop.put_as(&ada, &path, &body).await.expect(200);
    let nobody = shop.get("/cart").await;
    nobody.expect_problem(401, "missing_token");
    let nobody = Customer {
        token: "none".to_owned(),
        ..ada.clone()
    };
    let refused = put(&shop, &nobody, &sofa, 1).await;
    refused.expect_problem(401, "invalid_token");
    shop.close().await;
}

/// Lines of products that nobody knows.
async fn fill(shop: &TestShop, who: &Customer, number: i32) {
    let statement = format!(
        "insert into cart_items
           (user_id, product_id, slot, quantity, revision, sku, name, unit_price_minor)
         select '{}', gen_random_uuid(), slot, 1, gen_random_uuid(), 'GONE', 'Gone', 5
         from generate_series(1, {number}) slot",
        who.id
    );
    let mut orders = shop.connect(Module::Orders).await;
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    statement.execute(&mut orders).await.unwrap();
}

#[tokio::test]
async fn a_cart_has_room_for_100_lines_however_they_come() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let mut products = Vec::new();
    for number in 0..16 {
        products.push(shop.product(&admin, &format!("P{number}"), 100, 9).await);
    }
    fill(&shop, &ada, 90).await;
    let puts = products.iter().map(async |product| {
        loop {
            // A busy machine may ask for patience.
            match put(&shop, &ada, product, 1).await {
                busy if busy.status == 503 => {}
                answer => return answer,
            }
        }
    });
    let answers = join_all(puts).await;
    let (put_in, full): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 200);
    let refused = full.len();
    for full in full {
        let problem = full.expect_problem(422, "cart_full");
        assert_eq!(problem["errors"][0]["field"], "product_id");
    }
    assert_eq!((put_in.len(), refused), (10, 6));
    let full = cart(&shop, &ada).await;
    let items: &Vec<Value> = full["items"].as_array().unwrap();
    assert_eq!(items.len(), 100);
    assert_eq!(items[0]["changes"], json!(["unavailable"]));
    assert_eq!(items[0]["sku"], "GONE");
    assert_eq!(items[0]["unit_price"]["amount"], 5);
    assert_eq!(full["total"]["amount"], 10 * 100);

    // What is in it may change, and what goes out makes room.
    let known = items[99]["product_id"].as_str().unwrap();
    put(&shop, &ada, known, 2).await.expect(200);
    put(&shop, &ada, known, 0).await.expect(200);
    put(&shop, &ada, known, 3).await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn without_products_a_cart_cannot_be_shown_but_emptied() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let ada = shop.customer("ada").await;
    put(&shop, &ada, &sofa, 1).await.expect(200);
    let lost = lose(&shop, Module::Products, CLOSED).await;
    for refused in [
        shop.get_as(&ada, "/cart").await,
        put(&shop, &ada, &sofa, 2).await,
        shop.post_as(&ada, "/cart/checkout", &json!({})).await,
    ] {
        assert!(refused.header("retry-after").is_some());
        refused.expect_problem(503, "unavailable");
    }
    let cleared = shop.delete_as(&ada, "/cart").await.expect(200);
    assert_eq!(cleared["items"], json!([]));
    // What is known to be empty can be shown.
    shop.get_as(&ada, "/cart").await.expect(200);
    lost.give_back().await;
    shop.close().await;
}
