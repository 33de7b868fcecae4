use serde_json::{Value, json};

use super::{log_says, open, order, orders, webhook, webhook_to};
use crate::support::Receiver;

#[tokio::test]
async fn the_secret_is_shown_once() {
    let shop = open().await;
    let admin = shop.admin().await;
    let body = json!({ "url": "http://erp.invalid/hooks", "events": ["order.paid"] });
    let made = shop.post_as(&admin, "/webhooks", &body).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let location = made.header("location").unwrap().to_owned();
    let mut made = made.expect(201);
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    assert_eq!(location, format!("/api/v1{path}"));
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("whsec_"));
    assert_eq!(made["url"], body["url"]);
    assert_eq!(made["events"], body["events"]);
    assert_eq!(made["is_active"], true);
    for absent in ["disabled_at", "disabled_reason", "failing_since"] {
        assert_eq!(made[absent], Value::Null);
    }
    assert_eq!(shop.get_as(&admin, &path).await.expect(200), made);
    let list = shop.get_as(&admin, "/webhooks").await.expect(200);
    assert_eq!(list, json!({ "items": [made], "next_cursor": null }));
    shop.close().await;
}

#[tokio::test]
async fn webhooks_and_deliveries_are_listed_by_pages_newest_first() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::open().await;
    let mut webhooks = Vec::new();
    for _ in 0..3 {
        webhooks.push(webhook_to(&shop, &admin, &receiver).await.0);
    }
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(json!(order(&shop, &admin, &sofa).await.0));
    }
    let ids: Vec<Value> = webhooks
        .iter()
        .map(|path| json!(path.rsplit('/').next()))
        .collect();
    let log = format!("{}/deliveries", webhooks[0]);
    for (path, field, expected) in [("/webhooks", "id", ids), (&log, "order_id", placed)] {
        let first = shop
            .get_as(&admin, &format!("{path}?limit=2"))
            .await
            .expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = format!("{path}?limit=2&cursor={cursor}");
        let rest = shop.get_as(&admin, &rest).await.expect(200);
        assert_eq!(rest["next_cursor"], Value::Null);
        let pages = [&first, &rest].into_iter();
        let items = pages.flat_map(|page| page["items"].as_array().unwrap());
        let mut found: Vec<Value> = items.map(|item| item[field].clone()).collect();
        found.reverse();
        assert_eq!(found, expected);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_deleted_webhook_is_told_nothing_more() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let (one, other) = (Receiver::open().await, Receiver::open().await);
    let (path, _) = webhook_to(&shop, &admin, &one).await;
    let (path_of_other, _) = webhook_to(&shop, &admin, &other).await;
    order(&shop, &admin, &sofa).await;
    one.heard(1).await;
    let mut db = orders(&shop).await;
    // What waits for it waits for nobody.
    sqlx::raw_sql("update webhook_deliveries set due_at = now() + '1 hour', delivered_at = null")
        .execute(&mut db)
        .await
        .unwrap();
    let answer = shop.delete_as(&admin, &path).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    sqlx::raw_sql("update webhook_deliveries set due_at = now()")
        .execute(&mut db)
        .await
        .unwrap();
    order(&shop, &admin, &sofa).await;
    log_says(&shop, &admin, &path_of_other, (2, "delivered")).await;
    assert_eq!(one.notices().len(), 1);
    for gone in [&path, &format!("{path}/deliveries")] {
        shop.get_as(&admin, gone)
            .await
            .expect_problem(404, "not_found");
    }
    let again = shop.delete_as(&admin, &path).await;
    again.expect_problem(404, "not_found");
    shop.close().await;
}

#[tokio::test]
async fn there_are_fifty_at_most() {
    let shop = open().await;
    let admin = shop.admin().await;
    let body = json!({ "url": "http://erp.invalid/" });
    let (first, _) = webhook(&shop, &admin, &body).await;
    for _ in 1..50 {
        webhook(&shop, &admin, &body).await;
    }
    let refused = shop.post_as(&admin, "/webhooks", &body).await;
    refused.expect_problem(409, "too_many_webhooks");
    shop.delete_as(&admin, &first).await.expect(204);
    webhook(&shop, &admin, &body).await;
    shop.close().await;
}
