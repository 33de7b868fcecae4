use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestShop;

#[tokio::test]
async fn the_prices_are_those_of_the_shop_and_stay_as_they_were() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;

    let priced = json!({ "items": [{ "product_id": lamp, "quantity": 1, "unit_price": 1 }] });
    shop.post_as(&ada, "/orders", &priced)
        .await
        .expect_invalid("items[0].unit_price");

    let before = shop.place_order(&ada, &[(&lamp, 2)]).await.expect(201);
    let mut db = shop.connect(Module::Products).await;
    sqlx::query("update products set sku = 'LAMP-2', price_minor = 2500")
        .execute(&mut db)
        .await
        .unwrap();
    let after = shop.place_order(&ada, &[(&lamp, 2)]).await.expect(201);

    let path = format!("/orders/{}", before["id"].as_str().unwrap());
    assert_eq!(shop.get_as(&ada, &path).await.expect(200), before);
    let line = |order: &Value| {
        let line = &order["items"][0];
        (line["sku"].clone(), line["unit_price"]["amount"].clone())
    };
    assert_eq!(line(&before), (json!("LAMP"), json!(1_999)));
    assert_eq!(line(&after), (json!("LAMP-2"), json!(2_500)));
    assert_eq!(after["total"]["amount"], 5_000);
    assert_ne!(before["number"], after["number"]);
    assert_eq!(
        before["history"],
        json!([{ "status": "placed", "at": before["created_at"] }])
    );
    shop.close().await;
}

#[tokio::test]
async fn an_order_is_all_or_nothing() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let plenty = shop.product(&admin, "PLENTY", 100, 10).await;
    let few = shop.product(&admin, "FEW", 100, 2).await;
    let none = shop.product(&admin, "NONE", 100, 0).await;

    let lines = [(&*plenty, 5), (&*few, 3), (&*none, 1)];
    let problem = shop
        .place_order(&admin, &lines)
        .await
        .expect_problem(409, "insufficient_stock");
    let mut short = problem["products"].as_array().unwrap().clone();
    short.sort_by_key(|product| product["requested"].as_i64());
    let expected = [
        json!({ "product_id": none, "requested": 1, "available": 0 }),
        json!({ "product_id": few, "requested": 3, "available": 2 }),
    ];
    assert_eq!(short, expected);
    assert_eq!(shop.stock(&plenty).await, (10, 0, 10));
    assert_eq!(shop.stock(&few).await, (2, 0, 2));

    // Lines of one product count together.
    let lines = [(&*few, 1), (&*few, 2)];
    let problem = shop
        .place_order(&admin, &lines)
        .await
        .expect_problem(409, "insufficient_stock");
    assert_eq!(problem["products"][0]["requested"], 3);
    let orders = shop.get_as(&admin, "/orders").await.expect(200);
    assert_eq!(orders["items"], json!([]));
    shop.close().await;
}

#[tokio::test]
async fn products_that_are_not_sold_are_named() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sold = shop.product(&admin, "SOLD", 100, 10).await;
    let retired = shop.product(&admin, "RETIRED", 100, 10).await;
    let mut db = shop.connect(Module::Products).await;
    sqlx::query("update products set is_active = false where sku = 'RETIRED'")
        .execute(&mut db)
        .await
        .unwrap();
    let unknown = Uuid::now_v7().to_string();

    let lines = [(&*unknown, 1), (&sold, 1), (&unknown, 2), (&retired, 1)];
    let problem = shop
        .place_order(&admin, &lines)
        .await
        .expect_problem(422, "unknown_product");
    let at = |line: usize, id: &str| json!({ "field": format!("items[{line}].product_id"), "message": format!("product {id} is not sold") });
    let errors = json!([at(0, &unknown), at(3, &retired)]);
    assert_eq!(problem["errors"], errors);
    assert_eq!(shop.stock(&sold).await, (10, 0, 10));
    shop.close().await;
}

#[tokio::test]
async fn the_limits_of_an_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sand = shop.product(&admin, "SAND", 1, 5_000_000).await;
    let gold = shop
        .product(&admin, "GOLD", 1_000_000_000_000, 100_000_000)
        .await;

    let place = async |lines: &[(&str, i64)]| shop.place_order(&admin, lines).await;
    place(&[]).await.expect_invalid("items");
    place(&[(&sand, 0)])
        .await
        .expect_invalid("items[0].quantity");
    place(&[(&sand, -1)])
        .await
        .expect_invalid("items[0].quantity");
    place(&[(&sand, 1_000_001)])
        .await
        .expect_invalid("items[0].quantity");
    place(&[(&sand, 1_000_000), (&sand, 1)])
        .await
        .expect_invalid("items[1].quantity");
    place(&[("sofa", 1)])
        .await
        .expect_invalid("items[0].product_id");
    place(&vec![(&*sand, 1); 101]).await.expect_invalid("items");
    let most = place(&vec![(&*sand, 1); 100]).await.expect(201);
    assert_eq!(most["items"].as_array().unwrap().len(), 1);
    assert_eq!(most["items"][0]["quantity"], 100);
    place(&[(&sand, 1_000_000)]).await.expect(201);

    // Ten million million minor units a piece: a total of 64 bits is exceeded, and nothing held.
    place(&[(&gold, 1_000_000)]).await.expect(201);
    let mut bars = Vec::new();
    for bar in 0..10 {
        let sku = format!("BAR-{bar}");
        bars.push(
            shop.product(&admin, &sku, 1_000_000_000_000, 1_000_000)
                .await,
        );
    }
    let lines: Vec<(&str, i64)> = bars.iter().map(|bar| (&**bar, 1_000_000)).collect();
    place(&lines).await.expect_invalid("items");
    assert_eq!(shop.stock(&bars[0]).await, (1_000_000, 0, 1_000_000));

    let with_note =
        |note: String| json!({ "items": [{ "product_id": sand, "quantity": 1 }], "note": note });
    let noted = shop
        .post_as(&admin, "/orders", &with_note("ü".repeat(1_000)))
        .await;
    assert_eq!(noted.expect(201)["note"], "ü".repeat(1_000));
    let noted = shop
        .post_as(&admin, "/orders", &with_note("ü".repeat(1_001)))
        .await;
    noted.expect_invalid("note");
    shop.close().await;
}

#[tokio::test]
async fn who_is_not_signed_in_orders_nothing() {
    let shop = TestShop::open().await;
    let body = json!({ "items": [{ "product_id": Uuid::now_v7(), "quantity": 1 }] });
    let refused = shop.post("/orders", &body).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    refused.expect_problem(401, "missing_token");
    let admin = shop.admin().await;
    let request = || {
        shop.request(Method::POST, "/api/v1/orders")
            .bearer_auth(&admin.token)
    };
    shop.send(request()).await.expect_problem(400, "empty_body");
    let json = request().header("content-type", "application/json");
    shop.send(json.body("{"))
        .await
        .expect_problem(400, "malformed_json");
    shop.send(request().body("items"))
        .await
        .expect_problem(415, "unsupported_media_type");
    shop.close().await;
}
