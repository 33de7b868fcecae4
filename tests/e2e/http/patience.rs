//! Clients that are slow, and bodies without an end: they cost the others nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::pictures::FORM;
use crate::support::{Raw, TestShop, Topology};

const SLOW: usize = 20;
const MEBIBYTE: usize = 1 << 20;

#[tokio::test]
async fn whoever_is_slow_waits_alone_and_not_for_ever() {
    let deadline = ["server.request_deadline_ms=1000"];
    let shop = TestShop::open_with(Topology::default(), &deadline).await;
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for _ in 0..SLOW {
        let mut head = Raw::connect(&shop).await;
        head.send("GET /api/v1/products HTTP/1.1\r\nhost: shop\r\nx: ")
            .await;
        heads.push(head);
        let mut body = Raw::connect(&shop).await;
        body.send(
            "POST /api/v1/auth/register HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{\"email\"",
        )
        .await;
        bodies.push(body);
    }
    for _ in 0..SLOW {
        shop.get("/products").await.expect(200);
    }
    for mut body in bodies {
        let answer = body.answer().await;
        assert_eq!(answer.header("connection"), Some("close"));
        answer.expect_problem(408, "request_timeout");
        assert!(body.is_closed().await);
    }
    for mut head in heads {
        assert_eq!(head.answer().await.status, 408);
        assert!(head.is_closed().await);
    }
    shop.close().await;
}

/// A client that asks and asks, and never reads: it is not listened to any more.
#[tokio::test]
async fn answers_that_nobody_reads_are_not_piled_up() {
    let shop = TestShop::open().await;
    let ask = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: shop\r\n\r\n";
    let asks = ask.repeat(MEBIBYTE / ask.len());
    let mut deaf = TcpStream::connect(shop.address).await.unwrap();
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_secs(1), deaf.write(asks.as_bytes())).await {
        sent += written.unwrap();
        assert!(sent < 64 * MEBIBYTE, "requests are taken without an end");
    }
    shop.get("/products").await.expect(200);
    drop(deaf);
    shop.close().await;
}

#[tokio::test]
async fn a_body_without_an_end_is_refused_before_it_ends() {
    let limits = [
        "limits.body_bytes=64KiB",
        "limits.upload_bytes=64KiB",
        "limits.import_bytes=256KiB",
    ];
    let shop = TestShop::open_with(Topology::default(), &limits).await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 1).await;
    let images = format!("/products/{product}/images");
    let file = "--a-line-that-is-in-no-picture\r\n\
        content-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    for (path, kind, beginning) in [
        ("/auth/register", "application/json", "{\"email\": \""),
        ("/orders", "application/json", "{\"note\": \""),
        ("/products/import", "application/x-ndjson", ""),
        ("/products/import", "text/csv", "sku,name\n"),
        (&images, FORM, file),
        (&images, FORM, "--"),
    ] {
        let first = match beginning {
            // A chunk of no length would be the end.
            "" => String::new(),
            text => format!("{:x}\r\n{text}\r\n", text.len()),
        };
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n{first}",
            admin.token
        );
        let answer = pour(&shop, head).await;
        let status = answer.split(' ').nth(1);
        let right = match beginning {
            // No part of a form ever begins.
            "--" => [Some("413"), Some("400")].contains(&status),
            _ => status == Some("413"),
        };
        assert!(right, "{path} {kind} {beginning}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    shop.get("/products").await.expect(200);
    shop.close().await;
}

/// Sends the head and then chunk after chunk for as long as somebody takes them; the answer.
async fn pour(shop: &TestShop, head: String) -> String {
    let stream = TcpStream::connect(shop.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let answer = tokio::spawn(async move {
        let mut some = [0; 4096];
        let read = reading.read(&mut some).await.unwrap_or_default();
        String::from_utf8_lossy(&some[..read]).into_owned()
    });
    writing.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let pouring = async { while writing.write_all(chunk.as_bytes()).await.is_ok() {} };
    let ended = timeout(Duration::from_secs(60), pouring).await;
    assert!(ended.is_ok(), "it is read on and on, or not at all");
    answer.await.unwrap()
}
