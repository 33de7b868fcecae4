//! `/cart` as its clients know it.

mod checkout;
mod lines;
mod races;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Answer, Customer, TestShop};

async fn put(shop: &TestShop, who: &Customer, product: &str, quantity: i64) -> Answer {
    let path = format!("/cart/items/{product}");
    let body = json!({ "quantity": quantity });
    shop.put_as(who, &path, &body).await
}

async fn cart(shop: &TestShop, who: &Customer) -> Value {
    shop.get_as(who, "/cart").await.expect(200)
}

/// Product, quantity and changes of each line.
fn lines(cart: &Value) -> Vec<(String, i64, Value)> {
    let items = cart["items"].as_array().unwrap();
    let line = |item: &Value| {
        let product = item["product_id"].as_str().unwrap().to_owned();
        let quantity = item["quantity"].as_i64().unwrap();
        (product, quantity, item["changes"].clone())
    };
    items.iter().map(line).collect()
}

fn line(product: &str, quantity: i64) -> (String, i64, Value) {
    (product.to_owned(), quantity, json!([]))
}

async fn check_out(shop: &TestShop, who: &Customer, key: Option<&str>, body: Value) -> Answer {
    let request = shop.request(Method::POST, "/api/v1/cart/checkout");
    let request = request.bearer_auth(&who.token);
    let request = match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    };
    let request = match body {
        Value::Null => request,
        body => request.json(&body),
    };
    shop.send(request).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

/// In the database of products, past its routes.
async fn in_products(shop: &TestShop, statement: &str) {
    let mut db = shop.connect(Module::Products).await;
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(&mut db).await.unwrap();
}
