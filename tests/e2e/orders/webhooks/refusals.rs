use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{open, order, orders, webhook, webhook_to};
use crate::support::{Receiver, TestShop, eventually};

#[tokio::test]
async fn a_webhook_leads_to_a_public_address() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for url in [
        "",
        "shop.example/hook",
        "ftp://shop.example/",
        "https://user:password@shop.example/",
        "http://127.0.0.1:8100/ops/topology",
        "http://localhost/",
        "https://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1]/",
        "http://127.0.0.1./",
        "http://１２７.０.０.１/",
        &format!("https://shop.example/{}", "a".repeat(2048)),
    ] {
        let body = json!({ "url": url });
        let refused = shop.post_as(&admin, "/webhooks", &body).await;
        refused.expect_invalid("url");
    }
    let public = json!({ "url": "https://shop.invalid/hook" });
    shop.post_as(&admin, "/webhooks", &public).await.expect(201);
    shop.close().await;
}

#[tokio::test]
async fn where_it_leads_is_looked_at_again_when_it_is_used() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::open().await;
    let public = json!({ "url": "http://shop.invalid/" });
    let (path, _) = webhook(&shop, &admin, &public).await;
    let mut db = orders(&shop).await;
    for url in [
        receiver.url("/"),
        format!("http://localhost:{}/", receiver.address.port()),
    ] {
        sqlx::query("update webhooks set url = $1")
            .bind(&url)
            .execute(&mut db)
            .await
            .unwrap();
        order(&shop, &admin, &sofa).await;
        let mut delivery = Value::Null;
        eventually("it is refused", async || {
            let log = super::log(&shop, &admin, &path).await;
            delivery = log[0].clone();
            delivery["attempts"][0]["error"].is_string()
        })
        .await;
        let error = delivery["attempts"][0]["error"].as_str().unwrap();
        assert!(error.contains("public address"), "{url}: {error}");
    }
    assert!(receiver.notices().is_empty());
    shop.close().await;
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_what_is() {
    let shop = open().await;
    let admin = shop.admin().await;
    let url = "http://erp.invalid/";
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": 7 }), "url"),
        (json!({ "url": url, "events": [] }), "events"),
        (json!({ "url": url, "events": ["order.lost"] }), "events[0]"),
        (
            json!({ "url": url, "events": ["order.paid", "ORDER.PAID"] }),
            "events[1]",
        ),
        (json!({ "url": url, "events": "order.paid" }), "events"),
        (json!({ "url": url, "secret": "whsec_x" }), "secret"),
    ] {
        let refused = shop.post_as(&admin, "/webhooks", &body).await;
        refused.expect_invalid(field);
    }
    let receiver = Receiver::open().await;
    let (path, _) = webhook_to(&shop, &admin, &receiver).await;
    for path in ["/webhooks", &format!("{path}/deliveries")] {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("cursor=x", "cursor"),
            ("cursor=WzFd", "cursor"),
        ] {
            let refused = shop.get_as(&admin, &format!("{path}?{query}")).await;
            refused.expect_invalid(field);
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn webhooks_are_for_admins() {
    let shop = open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let unknown = format!("/webhooks/{}", Uuid::now_v7());
    for (method, path) in [
        (Method::GET, "/webhooks".to_owned()),
        (Method::POST, "/webhooks".to_owned()),
        (Method::GET, unknown.clone()),
        (Method::DELETE, unknown.clone()),
        (Method::GET, format!("{unknown}/deliveries")),
    ] {
        let request = || {
            let request = shop.request(method.clone(), &format!("/api/v1{path}"));
            request.json(&json!({ "url": "http://erp.invalid/" }))
        };
        let nobody = shop.send(request()).await;
        nobody.expect_problem(401, "missing_token");
        let customer = shop.send(request().bearer_auth(&ada.token)).await;
        customer.expect_problem(403, "forbidden");
        if path != "/webhooks" {
            let admin = shop.send(request().bearer_auth(&admin.token)).await;
            admin.expect_problem(404, "not_found");
        }
    }
    let malformed = shop.get_as(&admin, "/webhooks/7").await;
    malformed.expect_problem(404, "not_found");
    shop.close().await;
}
