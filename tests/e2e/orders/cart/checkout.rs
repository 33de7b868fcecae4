use serde_json::{Value, json};

use super::{cart, check_out, in_products, is_replay, line, put};
use crate::support::TestShop;

#[tokio::test]
async fn a_checkout_orders_what_is_in_the_cart_and_empties_it() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (sofa, lamp) = (
        shop.product(&admin, "SOFA", 50_000, 4).await,
        shop.product(&admin, "LAMP", 1_999, 10).await,
    );
    let ada = shop.customer("ada").await;
    let nothing = check_out(&shop, &ada, None, Value::Null).await;
    nothing.expect_problem(409, "empty_cart");
    put(&shop, &ada, &lamp, 3).await.expect(200);
    put(&shop, &ada, &sofa, 1).await.expect(200);
    let dearer = format!("update products set price_minor = 2000 where id = '{lamp}'");
    in_products(&shop, &dearer).await;

    let placed = check_out(&shop, &ada, None, json!({ "note": "ring twice" })).await;
    let location = placed.header("location").unwrap().to_owned();
    assert_eq!(placed.header("cache-control"), Some("no-store"));
    let order = placed.expect(201);
    assert_eq!(
        location,
        format!("/api/v1/orders/{}", order["id"].as_str().unwrap())
    );
    // At what it costs now.
    assert_eq!(order["total"]["amount"], 50_000 + 3 * 2_000);
    assert_eq!(order["note"], "ring twice");
    assert_eq!(order["status"], "placed");
    let mut ordered: Vec<_> = order["items"].as_array().unwrap().iter().collect();
    ordered.sort_by_key(|item| item["quantity"].as_i64());
    assert_eq!(
        (&ordered[0]["product_id"], &ordered[1]["product_id"]),
        (&json!(sofa), &json!(lamp))
    );
    assert_eq!(shop.stock(&lamp).await, (10, 3, 7));
    assert_eq!(cart(&shop, &ada).await["items"], json!([]));
    let path = location.strip_prefix("/api/v1").unwrap();
    assert_eq!(shop.get_as(&ada, path).await.expect(200), order);

    let again = check_out(&shop, &ada, None, json!({})).await;
    again.expect_problem(409, "empty_cart");
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn a_repeated_checkout_finds_its_order_whatever_is_in_the_cart() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let ada = shop.customer("ada").await;
    put(&shop, &ada, &sofa, 1).await.expect(200);
    let first = check_out(&shop, &ada, Some("key"), Value::Null).await;
    assert!(!is_replay(&first));
    let order = first.expect(201);
    // However the same is said.
    for body in [Value::Null, json!({}), json!({ "note": null })] {
        let again = check_out(&shop, &ada, Some("key"), body).await;
        assert!(is_replay(&again) && again.header("location").is_none());
        assert_eq!(again.expect(200), order);
    }
    let other = check_out(&shop, &ada, Some("key"), json!({ "note": "x" })).await;
    other.expect_problem(422, "idempotency_key_reused");
    let unknown = check_out(&shop, &ada, Some("another key"), Value::Null).await;
    unknown.expect_problem(409, "empty_cart");

    put(&shop, &ada, &sofa, 2).await.expect(200);
    let again = check_out(&shop, &ada, Some("key"), Value::Null).await;
    assert!(is_replay(&again));
    assert_eq!(again.expect(200), order);
    assert_eq!(super::lines(&cart(&shop, &ada).await), [line(&sofa, 2)]);
    let crossed = shop.place_order_with_key(&ada, "key", &[(&sofa, 1)]).await;
    crossed.expect_problem(422, "idempotency_key_reused");
    let lines = [(&*sofa, 2)];
    let placed = shop.place_order_with_key(&ada, "order", &lines);
    placed.await.expect(201);
    let crossed = check_out(&shop, &ada, Some("order"), Value::Null).await;
    crossed.expect_problem(422, "idempotency_key_reused");
    assert_eq!(shop.stock(&sofa).await, (4, 3, 1));
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn what_cannot_be_ordered_stays_in_the_cart() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (sofa, lamp) = (
        shop.product(&admin, "SOFA", 50_000, 1).await,
        shop.product(&admin, "LAMP", 1_999, 10).await,
    );
    let ada = shop.customer("ada").await;
    put(&shop, &ada, &sofa, 2).await.expect(200);
    put(&shop, &ada, &lamp, 1).await.expect(200);
    let short = check_out(&shop, &ada, Some("key"), Value::Null).await;
    let short = short.expect_problem(409, "insufficient_stock");
    let expected = json!([{ "product_id": sofa, "requested": 2, "available": 1 }]);
    assert_eq!(short["products"], expected);
    assert_eq!(
        cart(&shop, &ada).await["items"].as_array().unwrap().len(),
        2
    );

    let active = |is: bool| format!("update products set is_active = {is} where id = '{sofa}'");
    in_products(&shop, &active(false)).await;
    let gone = check_out(&shop, &ada, Some("key"), Value::Null).await;
    gone.expect_problem(422, "unknown_product");
    for (body, field) in [
        (json!({ "note": "x".repeat(1_001) }), "note"),
        (json!({ "items": [] }), "items"),
        (
            json!({ "shipping_address_id": "home" }),
            "shipping_address_id",
        ),
    ] {
        let refused = check_out(&shop, &ada, None, body).await;
        refused.expect_invalid(field);
    }
    let key = check_out(&shop, &ada, Some(&"k".repeat(256)), Value::Null).await;
    key.expect_invalid("Idempotency-Key");
    let nobody = shop.post("/cart/checkout", &json!({})).await;
    nobody.expect_problem(401, "missing_token");
    assert_eq!(shop.stock(&lamp).await, (10, 0, 10));

    // A refusal is not remembered.
    in_products(&shop, &active(true)).await;
    put(&shop, &ada, &sofa, 1).await.expect(200);
    let placed = check_out(&shop, &ada, Some("key"), Value::Null).await;
    assert_eq!(placed.expect(201)["total"]["amount"], 51_999);
    shop.expect_balanced_books().await;
    shop.close().await;
}
