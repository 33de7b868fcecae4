//! Headers that every answer has, and those that follow from the request's.

use reqwest::Method;
use uuid::Uuid;

use crate::support::{Answer, Raw, TestShop};

const EVERYWHERE: [&str; 6] = [
    "/api/v1/products",
    "/api/v1/auth/me",
    "/api/v1/nothing",
    "/health/live",
    "/docs/",
    "/api/v1/openapi.json",
];

async fn get_with(shop: &TestShop, path: &str, name: &str, value: &str) -> Answer {
    let request = shop.request(Method::GET, path);
    shop.send(request.header(name, value)).await
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_is_replaced() {
    let shop = TestShop::open().await;
    let id = |answer: &Answer| answer.header("x-request-id").unwrap().to_owned();
    for path in EVERYWHERE {
        let answer = get_with(&shop, path, "x-request-id", "order-77/a").await;
        assert_eq!(id(&answer), "order-77/a", "{path}");
        for insane in ["", "two words", &"x".repeat(129)] {
            let answer = get_with(&shop, path, "x-request-id", insane).await;
            assert!(Uuid::parse_str(&id(&answer)).is_ok(), "{path}");
        }
        let (one, other) = (
            shop.send(shop.request(Method::GET, path)).await,
            shop.send(shop.request(Method::GET, path)).await,
        );
        assert_ne!(id(&one), id(&other));
    }
    shop.close().await;
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let shop = TestShop::open().await;
    for path in EVERYWHERE {
        let answer = shop.send(shop.request(Method::GET, path)).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("server"), None);
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    shop.close().await;
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 1).await;
    let product = format!("/api/v1/products/{product}");
    for path in EVERYWHERE.into_iter().chain([&*product]) {
        let request = |method: &str| {
            format!("{method} {path} HTTP/1.1\r\nhost: shop\r\nx-request-id: same\r\n\r\n")
        };
        let get = Raw::ask(&shop, request("GET")).await;
        let mut raw = Raw::connect(&shop).await;
        raw.send(request("HEAD")).await;
        let head = raw.head().await;
        assert_eq!(head.status, get.status, "{path}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{path}");
        }
        // The next answer begins right after the head.
        raw.send(request("GET")).await;
        assert_eq!(raw.answer().await.text, get.text);
    }
    shop.close().await;
}

#[tokio::test]
async fn json_is_compressed_for_those_who_ask() {
    let shop = TestShop::open().await;
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("gzip;q=0.5, br", Some("br")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("identity", None),
        ("snappy", None),
    ] {
        let path = "/api/v1/openapi.json";
        let answer = get_with(&shop, path, "accept-encoding", accepted).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        if coding.is_some() {
            let vary = answer.header("vary").unwrap_or_default();
            assert!(vary.to_lowercase().contains("accept-encoding"), "{vary}");
        }
    }
    let plain = shop
        .send(shop.request(Method::GET, "/api/v1/openapi.json"))
        .await;
    assert_eq!(plain.header("content-encoding"), None);
    shop.close().await;
}

#[tokio::test]
async fn location_is_a_path_whatever_host_is_claimed() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let body = r#"{"sku": "A", "name": "A", "price": {"amount": 1, "currency": "EUR"}}"#;
    let request = format!(
        "POST /api/v1/products HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\
         x-forwarded-proto: https\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        admin.token,
        body.len()
    );
    let created = Raw::ask(&shop, request).await;
    let id = created.json["id"].as_str().unwrap();
    let location = created.header("location").unwrap();
    assert_eq!(location, format!("/api/v1/products/{id}"));

    let request = "GET /docs HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    let redirect = Raw::ask(&shop, request).await;
    assert_eq!(redirect.header("location"), Some("/docs/"));
    shop.close().await;
}
