//! What happens on a connection besides well-formed requests.

use serde_json::json;

use crate::support::{Raw, TestShop, Topology};

#[tokio::test]
async fn a_connection_is_of_use_after_an_answer_that_left_a_body_unread() {
    let shop = TestShop::open().await;
    let next = "GET /health/live HTTP/1.1\r\nhost: shop\r\n\r\n";
    for (path, status) in [
        ("/api/v1/nothing", 404),
        ("/api/v1/orders", 401),
        ("/api/v1/auth/me", 405),
        ("/api/v1/auth/login", 415),
    ] {
        for length in [10, 10_000, 300_000] {
            let body = "x".repeat(length);
            let mut raw = Raw::connect(&shop).await;
            raw.send(format!(
                "POST {path} HTTP/1.1\r\nhost: shop\r\ncontent-length: {length}\r\n\r\n{body}"
            ))
            .await;
            let refused = raw.answer().await;
            assert_eq!(refused.status, status, "{path} {length}");
            // Either the rest is skipped, or the connection is given up; never is a body taken
            // for a request.
            if refused.header("connection") != Some("close") {
                raw.send(next).await;
                assert_eq!(raw.answer().await.status, 200, "{path} {length}");
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_body_may_wait_for_its_go_ahead() {
    let shop = TestShop::open().await;
    let body = json!({ "email": "ada@example.com", "password": "correct horse", "full_name": "A" });
    let body = body.to_string();
    let mut raw = Raw::connect(&shop).await;
    raw.send(format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    ))
    .await;
    assert_eq!(raw.answer().await.status, 100);
    raw.send(body).await;
    raw.answer().await.expect(201);
    shop.close().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let shop = TestShop::open().await;
    let mut raw = Raw::connect(&shop).await;
    let get = |path| format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    raw.send([get("/api/v1/orders"), get("/health/live"), get("/x")].concat())
        .await;
    for status in [401, 200, 404] {
        assert_eq!(raw.answer().await.status, status);
    }
    shop.close().await;
}

#[tokio::test]
async fn an_old_client_gets_a_body_without_chunks_that_ends_with_the_connection() {
    let shop = TestShop::open().await;
    for (path, status) in [("/api/v1/products", 200), ("/api/v1/orders", 401)] {
        let mut raw = Raw::connect(&shop).await;
        raw.send(format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.header("transfer-encoding"), None, "{path}");
        answer.expect(status);
        assert!(raw.is_closed().await, "{path}");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_connection_ends() {
    let shop = TestShop::open().await;
    let header =
        |lines: &str| format!("GET /health/live HTTP/1.1\r\nhost: shop\r\n{lines}\r\n\r\n");
    for (bytes, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (header("content-length: 1\r\ncontent-length: 2"), 400),
        (header("content-length: -1"), 400),
        (
            header("transfer-encoding: chunked\r\ncontent-length: 3"),
            400,
        ),
        (header(&format!("x: {}", "x".repeat(200_000))), 431),
        (header(&"x: y\r\n".repeat(200)), 431),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000)),
            431,
        ),
    ] {
        let mut raw = Raw::connect(&shop).await;
        raw.send(&bytes).await;
        let start = bytes.chars().take(90).collect::<String>();
        assert_eq!(raw.answer().await.status, status, "{start}");
        assert!(raw.is_closed().await, "{start}");
    }
    shop.get("/products").await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let set = ["limits.requests_per_second=5"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let mut refused = None;
    for _ in 0..50 {
        let answer = shop.get("/products").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.expect(200);
    }
    let refused = refused.expect("50 requests at once are too many");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds));
    refused.expect_problem(429, "too_many_requests");
    // Load balancers are not kept away.
    for _ in 0..20 {
        let request = shop.request(reqwest::Method::GET, "/health/ready");
        shop.send(request).await.expect(200);
    }
    shop.close().await;
}
