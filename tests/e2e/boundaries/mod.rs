//! The longest, the most and the least that each field takes: one more is 422, never a constraint.

mod fields;

use serde_json::{Value, json};

use crate::support::{Answer, Customer, TestShop};
use fields::{Field, letters, of_accounts, of_categories, of_orders, of_products, of_stock};

/// A number in place of each `#`, so that unique fields stay so.
fn numbered(text: &Value, number: usize) -> Value {
    serde_json::from_str(&text.to_string().replace('#', &number.to_string())).unwrap()
}

async fn send(shop: &TestShop, admin: &Customer, field: &Field, value: &Value) -> Answer {
    let mut body = field.body.clone();
    *body.pointer_mut(field.pointer).unwrap() = value.clone();
    let path = format!("/api/v1{}", field.path);
    let request = shop.request(field.method.clone(), &path);
    shop.send(request.bearer_auth(&admin.token).json(&body))
        .await
}

#[tokio::test]
async fn a_field_takes_its_most_and_refuses_one_more() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 1_000).await;
    let nail = shop.product(&admin, "NAIL", 1, 10_000_000).await;
    let mut fields = of_accounts();
    fields.extend(of_categories());
    fields.extend(of_products());
    fields.extend(of_stock(&sofa));
    fields.extend(of_orders(&sofa, &nail));
    for (number, mut field) in fields.into_iter().enumerate() {
        field.body = numbered(&field.body, number);
        println!("{} {}", field.path, field.pointer);
        let taken = send(&shop, &admin, &field, &field.taken).await;
        assert!(taken.status.is_success(), "{}", taken.text);
        let refused = send(&shop, &admin, &field, &field.refused).await;
        refused.expect_invalid(field.name);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_reason_to_cancel_has_its_most_too() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let order = shop.place_order(&admin, &[(&sofa, 1)]).await.expect(201);
    let cancel = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let reason = |length| json!({ "reason": letters(length) });
    let refused = shop.post_as(&admin, &cancel, &reason(501)).await;
    refused.expect_invalid("reason");
    shop.post_as(&admin, &cancel, &reason(500))
        .await
        .expect(200);
    shop.close().await;
}
