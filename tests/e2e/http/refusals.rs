//! Bodies that are no good, each told apart.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{Answer, Raw, TestShop, Topology};

/// A path that takes a body from anybody.
const REGISTER: &str = "/api/v1/auth/register";

fn post(shop: &TestShop, path: &str) -> RequestBuilder {
    shop.request(Method::POST, path)
}

async fn send_json(shop: &TestShop, text: impl Into<reqwest::Body>) -> Answer {
    let request = post(shop, REGISTER).header("content-type", "application/json");
    shop.send(request.body(text)).await
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400() {
    let shop = TestShop::open().await;
    for text in [
        "{",
        "nonsense",
        "{\"email\": }",
        "{} {}",
        "{\"email\": \"\\ud800\"}",
        "{\"email\": 1e999}",
        "{'email': 'a@b.c'}",
        "\u{feff}{}",
    ] {
        let problem = send_json(&shop, text)
            .await
            .expect_problem(400, "malformed_json");
        assert_eq!(problem["instance"], REGISTER);
        assert_eq!(problem["title"], "Bad Request");
    }
    let not_utf8 = b"{\"email\": \"\xff\xfe\"}".to_vec();
    send_json(&shop, not_utf8)
        .await
        .expect_problem(400, "malformed_json");
    let bottomless = format!("{{\"email\": {}", "[".repeat(200_000));
    assert!(send_json(&shop, bottomless).await.status.is_client_error());
    shop.close().await;
}

#[tokio::test]
async fn an_empty_body_is_400() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 1).await;
    for (method, path) in [
        (Method::POST, "/auth/register"),
        (Method::POST, "/auth/login"),
        (Method::POST, "/auth/refresh"),
        (Method::POST, "/auth/logout"),
        (Method::POST, "/orders"),
        (Method::POST, "/products"),
        (Method::PUT, &format!("/products/{product}/stock")),
        (
            Method::POST,
            &format!("/products/{product}/stock/adjustments"),
        ),
    ] {
        let request = || {
            let path = format!("/api/v1{path}");
            shop.request(method.clone(), &path)
                .bearer_auth(&admin.token)
        };
        let absent = shop.send(request()).await;
        absent.expect_problem(400, "empty_body");
        let blank = request().header("content-type", "application/json");
        let blank = shop.send(blank.body(" \n")).await;
        blank.expect_problem(400, "empty_body");
    }
    shop.close().await;
}

#[tokio::test]
async fn json_of_another_shape_is_422_and_names_the_field() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let line = json!({ "product_id": admin.id, "quantity": 1 });
    let cases = [
        ("/auth/register", json!([]), "body"),
        ("/auth/register", json!("text"), "body"),
        ("/auth/register", json!({}), "email"),
        ("/auth/register", json!({ "admin": true }), "admin"),
        ("/auth/register", json!({ "email": null }), "email"),
        ("/auth/register", json!({ "email": "a\u{0}" }), "email"),
        ("/auth/login", json!({ "email": "a" }), "password"),
        ("/auth/login", json!({ "e-mail": "a" }), "e-mail"),
        ("/auth/refresh", json!({ "token": "a" }), "token"),
        (
            "/auth/logout",
            json!({ "refresh_token": 1 }),
            "refresh_token",
        ),
        ("/orders", json!({ "items": {} }), "items"),
        ("/orders", json!({ "items": [1] }), "items[0]"),
        (
            "/orders",
            json!({ "items": [line, { "product_id": "x", "quantity": 1 }] }),
            "items[1].product_id",
        ),
        (
            "/orders",
            json!({ "items": [{ "product_id": admin.id, "quantity": 1.5 }] }),
            "items[0].quantity",
        ),
        (
            "/orders",
            json!({ "items": [{ "product_id": admin.id, "quantity": u64::MAX }] }),
            "items[0].quantity",
        ),
        (
            "/orders",
            json!({ "items": [{ "product_id": admin.id, "quantity": 1, "price": 0 }] }),
            "items[0].price",
        ),
        (
            "/orders",
            json!({ "items": [line], "user_id": admin.id }),
            "user_id",
        ),
        (
            "/products",
            json!({ "sku": "A", "name": "A", "price": { "amount": "1", "currency": "EUR" } }),
            "price.amount",
        ),
        (
            "/products",
            json!({ "sku": "A", "name": "A", "price": { "amount": 1, "currency": "EURO" } }),
            "price.currency",
        ),
        (
            "/products",
            json!({ "sku": "A", "name": "A", "price": { "amount": 1, "currency": "EUR" },
                "attributes": { "size": 42 } }),
            "attributes.size",
        ),
    ];
    for (path, body, field) in cases {
        println!("{path} {body}");
        shop.post_as(&admin, path, &body)
            .await
            .expect_invalid(field);
    }
    shop.close().await;
}

#[tokio::test]
async fn another_media_type_is_415() {
    let shop = TestShop::open().await;
    let body = r#"{"email": "a@example.com", "password": "correct horse", "full_name": "A"}"#;
    for media_type in ["text/plain", "application/xml", "multipart/form-data", "x"] {
        let request = post(&shop, REGISTER).header("content-type", media_type);
        let refused = shop.send(request.body(body)).await;
        assert!(refused.header("accept").unwrap().contains("json"));
        refused.expect_problem(415, "unsupported_media_type");
    }
    let untyped = shop.send(post(&shop, REGISTER).body(body)).await;
    untyped.expect_problem(415, "unsupported_media_type");
    let packed = post(&shop, REGISTER)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    let packed = shop.send(packed.body(body)).await;
    packed.expect_problem(415, "unsupported_media_type");

    let with_charset =
        post(&shop, REGISTER).header("content-type", "Application/JSON; charset=utf-8");
    shop.send(with_charset.body(body)).await.expect(201);
    shop.close().await;
}

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let limit = ["limits.body_bytes=1KiB"];
    let shop = TestShop::open_with(Topology::default(), &limit).await;
    let body = |length: usize| format!("{{\"email\": \"{}\"}}", "x".repeat(length));
    send_json(&shop, body(2_000))
        .await
        .expect_problem(413, "body_too_large");
    send_json(&shop, body(4_000_000))
        .await
        .expect_problem(413, "body_too_large");
    assert_eq!(send_json(&shop, body(900)).await.status, 422);

    let chunk = "x".repeat(0x400);
    let chunked = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n400\r\n{chunk}\r\n400\r\n{chunk}\r\n0\r\n\r\n"
    );
    let refused = Raw::ask(&shop, chunked).await;
    refused.expect_problem(413, "body_too_large");
    shop.close().await;
}
