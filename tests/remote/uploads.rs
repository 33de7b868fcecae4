//! Long requests on their way to a peer.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::node::{product, send};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::eventually;

const LINES: usize = 2000;

fn import(split: &Split) -> RequestBuilder {
    let lines: Vec<String> = (0..LINES)
        .map(|number| {
            let mut line = product(&format!("SKU-{number}"), 3);
            line["price"] = json!({ "amount": 100, "currency": "EUR" });
            line["stock"] = json!({ "on_hand": 3 });
            line.to_string()
        })
        .collect();
    split
        .front
        .request(Method::POST, "/api/v1/products/import")
        .bearer_auth(&split.admin.token)
        .header("content-type", "application/x-ndjson")
        .body(lines.join("\n"))
}

#[tokio::test]
async fn an_import_goes_through_or_is_refused() {
    let split = Split::without("products", &["modules.products.circuit_failures=10000"]).await;
    for mode in [
        Mode::Refuse,
        Mode::Reset,
        Mode::ResetAfter(0),
        Mode::Garbage,
    ] {
        split.proxy.set(mode);
        let answer = send(import(&split)).await;
        assert_eq!(answer.header("retry-after"), Some("1"), "{mode:?}");
        answer.expect_problem(503, "unavailable");
    }
    split.proxy.set(Mode::Pass);
    let done = send(import(&split)).await.expect(200);
    let landed = |what: &str| done[what].as_u64().unwrap();
    // Those whose answers were lost may have landed before.
    assert_eq!(landed("imported") + landed("updated"), 2000, "{done}");
    split.close().await;
}

/// Its fault is none of the peer's.
#[tokio::test]
async fn a_client_that_leaves_in_the_middle_opens_no_circuit() {
    let split = Split::without("products", &["modules.products.circuit_failures=1"]).await;
    let token = &split.admin.token;
    for path in ["/api/v1/products", "/api/v1/products/import"] {
        let seen = split.proxy.seen(path);
        let mut client = TcpStream::connect(split.front.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {token}\r\n\
             content-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n{{\"sku\": "
        );
        client.write_all(head.as_bytes()).await.unwrap();
        eventually("the request is on its way", async || {
            split.proxy.seen(path) > seen
        })
        .await;
        client.set_zero_linger().unwrap();
        drop(client);
    }
    eventually("nothing is on its way", async || {
        split.front.topology("products").await["in_flight"] == 0
    })
    .await;
    assert_eq!(split.front.topology("products").await["circuit"], "closed");
    split.front.get(&split.product_path()).await.expect(200);
    // What the front has left behind is let go by the peer too.
    let stopping = tokio::time::timeout(Duration::from_secs(20), split.close());
    stopping.await.unwrap();
}
