//! A client cannot tell whether a module is here or elsewhere.

use serde_json::Value;

use crate::client::{ask, connect, get, post, with};
use crate::cluster::TestDatabases;
use crate::front::Front;
use crate::message::{Head, Message};

const CORS: &str = "server.cors_origins=https://shop.example";

/// What a client sees, without what is of the moment, the request or the connection.
fn seen(answer: &Message) -> (String, Vec<(String, String)>, Value) {
    let Head { line, headers } = &answer.head;
    let of_the_moment = |name: &str| ["connection", "date", "x-request-id"].contains(&name);
    let mut headers: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !of_the_moment(name))
        .map(|(name, value)| (name.clone(), sorted(value)))
        .collect();
    headers.sort();
    let mut body = answer.json();
    match body.as_object_mut() {
        Some(members) => drop(members.remove("request_id")),
        None => body = Value::String(answer.text()),
    }
    (line.clone(), headers, body)
}

/// Lists are sets, and not always made in the same order.
fn sorted(value: &str) -> String {
    let mut items: Vec<&str> = value.split(", ").collect();
    items.sort_unstable();
    items.join(", ")
}

fn requests() -> Vec<String> {
    let unknown = "/api/v1/products/0198c5a0-0000-7000-8000-000000000000";
    let mut requests: Vec<String> = [
        "/api/v1/products",
        "/api/v1/%70roducts",
        "/api/v1/products/",
        "/api/v1/products?limit=0",
        "/api/v1/products?limit=1&q=%22%5c%00",
        "/api/v1/products?nonsense=1&&=",
        "/api/v1/products/nonsense",
        "/api/v1/products/..",
        "/api/v1/products/%2e%2e",
        "/api/v1/products/../../../ops/topology",
        "/api/v1/products/by-sku/..",
        "/api/v1/products/by-sku/%c3%28",
        "/api/v1/products/by-sku/a%2fb",
        "/api/v1/products/a/b/c/d",
        "/api/v1/products//",
        "/api/v1/categories",
        "/api/v1/orders",
        "/api/v1/orders/1",
        "/api/v1/cart",
        "/api/v1/media/x",
        "/api/v1/users/me",
        "/api/v1/auth/me",
        "/api/v1/auth/login",
        "/api/v1/nothing",
        "/api/v1",
        "/api/v1/openapi.json",
        "/docs/",
        "/internal/handshake",
        "/ops/topology",
        "/metrics",
        "/",
        unknown,
        "http://else.example/api/v1/products",
    ]
    .iter()
    .map(|target| get(target))
    .collect();
    for method in ["OPTIONS", "DELETE", "PATCH", "PROPFIND", "TRACE", "CONNECT"] {
        for path in [
            "/api/v1/products",
            "/api/v1/orders",
            "/api/v1/nothing",
            unknown,
        ] {
            requests.push(get(path).replacen("GET", method, 1));
        }
    }
    for lines in [
        "authorization: Bearer nonsense\r\n",
        "accept-encoding: gzip\r\n",
        "accept-encoding: br;q=0.5, *;q=0\r\n",
        "accept-encoding: identity;q=0, x\r\n",
        "if-none-match: *\r\n",
        "range: bytes=0-1\r\n",
        "origin: https://shop.example\r\n",
        "origin: https://evil.example\r\n",
        "connection: close\r\n",
        "accept: image/png\r\n",
    ] {
        requests.push(with("/api/v1/products", lines));
        requests.push(with("/api/v1/auth/me", lines));
        requests.push(with("/api/v1/openapi.json", lines));
    }
    for origin in ["https://shop.example", "https://evil.example"] {
        let lines = format!(
            "origin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization, content-type\r\n"
        );
        for path in ["/api/v1/products", "/api/v1/nothing"] {
            requests.push(with(path, &lines).replacen("GET", "OPTIONS", 1));
        }
    }
    let login = "/api/v1/auth/login";
    let long = format!("{{\"x\": \"{}\"}}", "x".repeat(2 << 20));
    for body in ["", "{", "{}", "[]", "{\"email\": 1}", &long] {
        requests.push(post(login, body));
        requests.push(post("/api/v1/products", body));
        requests.push(post(login, body).replace("application/json", "text/plain"));
    }
    requests.push(get("/api/v1/products").replace("HTTP/1.1", "HTTP/1.0"));
    requests.push(post(login, "").replace("content-length: 0\r\n", ""));
    requests.push(post("/api/v1/products/import", "sku\n").replace("application/json", "text/csv"));
    requests
}

#[tokio::test]
async fn a_remote_module_answers_as_a_local_one() {
    let databases = TestDatabases::create().await;
    let shop = Front::whole(&databases, &[CORS]).await;
    let front = Front::of(shop.private_address, &[CORS]).await;
    for bytes in requests() {
        let here = ask(shop.address, &bytes).await;
        let there = ask(front.address, &bytes).await;
        let start: String = bytes.chars().take(200).collect();
        assert_eq!(seen(&here), seen(&there), "{start}");
    }
    front.close().await;
    shop.close().await;
}

#[tokio::test]
async fn heads_are_the_same_too() {
    let databases = TestDatabases::create().await;
    let shop = Front::whole(&databases, &[]).await;
    let front = Front::of(shop.private_address, &[]).await;
    for path in [
        "/api/v1/products",
        "/api/v1/products/x",
        "/api/v1/openapi.json",
        "/api/v1/auth/me",
    ] {
        for lines in ["", "accept-encoding: gzip\r\n"] {
            let problem = ["/api/v1/products/x", "/api/v1/auth/me"].contains(&path);
            if problem && !lines.is_empty() {
                continue;
            }
            let mut heads = Vec::new();
            for address in [shop.address, front.address] {
                let mut client = connect(address).await;
                client
                    .send(with(path, lines).replacen("GET", "HEAD", 1))
                    .await;
                let head = client.head().await.unwrap();
                heads.push(seen(&Message {
                    head,
                    body: Vec::new(),
                }));
                // The next answer begins where this one ends.
                client.send(get("/health/live")).await;
                assert_eq!(client.message().await.unwrap().head.status(), 200);
            }
            assert_eq!(heads[0], heads[1], "{path} {lines}");
        }
    }
    front.close().await;
    shop.close().await;
}

/// A refused upload need not be read; the refusal gets through whoever stands between.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_uploads() {
    let databases = TestDatabases::create().await;
    let shop = Front::whole(&databases, &["limits.import_bytes=1MiB"]).await;
    let front = Front::of(shop.private_address, &[]).await;
    let body = "x".repeat(8 << 20);
    for _ in 0..10 {
        let bytes = post("/api/v1/products/import", &body).replace("application/json", "text/csv");
        for address in [shop.address, front.address] {
            let mut client = connect(address).await;
            client.send(&bytes).await;
            let refused = client.message().await.unwrap();
            refused.expect_problem(401, "missing_token");
        }
    }
    front.close().await;
    shop.close().await;
}
