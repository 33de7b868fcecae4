//! Clients that are slow: they cost the others nothing.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

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
        answer.expect_problem(503, "deadline_exceeded");
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
