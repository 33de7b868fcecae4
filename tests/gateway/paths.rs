//! What is asked arrives as it was asked, at the module that it names, and nowhere else.

use std::time::Duration;

use crate::client::{ask, get};
use crate::front::Front;
use crate::peer::{Peer, ok};

/// Every character that a target may be written with, and some that it should not.
fn odd_targets() -> Vec<String> {
    let mut targets: Vec<String> = [
        "/api/v1/products",
        "/api/v1/products/",
        "/api/v1/products?",
        "/api/v1/products??a=?&&=&b",
        "/api/v1/products//x",
        "/api/v1/products/.",
        "/api/v1/products/..",
        "/api/v1/products/by-sku/A%2FB%20C+D;e=1,2",
        "/api/v1/products/by-sku/%c3%a9%E2%82%AC",
        "/api/v1/products/%zz/%",
        "/api/v1/products/\u{e9}?\u{20ac}",
        "/api/v1/%70roducts/%2e%2e",
        "/api/v1/products/%00?q=%00",
        "/api/v1/products?q=%23&cursor=a%2Bb/../c",
        "/api/v1/products/../../../ops/topology",
        "/api/v1/products/..%2f..%2f..%2fops/topology",
        "/api/v1/products/%2e%2e/%2E%2E/%2e%2e/internal/handshake",
        "/api/v1/products/..\\..\\..\\metrics",
        "/api/v1/products/..;/..;/..;/metrics",
        "/api/v1/products/%252e%252e/internal",
    ]
    .map(str::to_owned)
    .into();
    for byte in 0x21..0x7f_u8 {
        // The rest of a target behind # is never sent.
        if byte != b'#' {
            let odd = char::from(byte);
            targets.push(format!("/api/v1/products/{odd}{odd}"));
            targets.push(format!("/api/v1/products?{odd}={odd}"));
        }
    }
    targets
}

#[tokio::test]
async fn a_target_arrives_byte_for_byte() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    for target in odd_targets() {
        let answer = ask(front.address, get(&target)).await;
        let arrived = peer.take();
        // What is no target is refused, and not sent on.
        if answer.head.status() == 400 {
            assert_eq!(arrived.len(), 0, "{target}");
            assert!(
                target.contains(['\u{e9}', '<', '>', '^', '`', '|', '"', '{', '}', '\\']),
                "{target}"
            );
            continue;
        }
        assert_eq!(answer.text(), "here", "{target}: {answer:?}");
        let [request] = &*arrived else {
            panic!("{target}: {}", arrived.len())
        };
        // As bytes; the other end reads them one by one.
        let target: String = target.bytes().map(char::from).collect();
        let line = format!("GET {target} HTTP/1.1");
        assert_eq!(request.message.head.line, line);
    }
    front.close().await;
}

#[tokio::test]
async fn a_foreign_address_in_the_target_leads_nowhere_else() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let elsewhere = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let evil = elsewhere.address;
    let absolute = get(&format!("http://{evil}/api/v1/products?x=1"));
    assert_eq!(ask(front.address, absolute).await.text(), "here");
    let arrived = peer.take();
    let head = &arrived[0].message.head;
    assert_eq!(head.line, "GET /api/v1/products?x=1 HTTP/1.1");
    assert_eq!(head.all("host"), [peer.address.to_string()]);
    for target in [
        format!("//{evil}/api/v1/products"),
        format!("/api/v1/products@{evil}/"),
        format!("@{evil}/api/v1/products"),
        format!("{evil}"),
    ] {
        ask(front.address, get(&target)).await;
    }
    for request in peer.take() {
        assert!(
            request
                .message
                .head
                .second()
                .starts_with("/api/v1/products")
        );
    }
    assert!(elsewhere.is_left_alone(Duration::from_millis(50)).await);
    front.close().await;
}

/// Only paths whose module is elsewhere are sent on, however they are written.
#[tokio::test]
async fn nothing_else_is_sent_on() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    for target in [
        "/internal/handshake",
        "/internal/products/v1/snapshot",
        "/internal",
        "/ops/topology",
        "/ops",
        "/metrics",
        "/%69nternal/handshake",
        "/%6f%70s/topology",
        "//internal/handshake",
        "/./internal/handshake",
        "/api/v1/../../internal/handshake",
        "/api/v1/%2e%2e/%2e%2e/internal/handshake",
        "/api/v1//products",
        "/api/v1/productsx",
        "/api/v1%2fproducts",
        "/api/v1/..%2fproducts",
        "/API/v1/products",
        "/api/v1",
        "/",
    ] {
        let answer = ask(front.address, get(target)).await;
        answer.expect_problem(404, "unknown_route");
        assert_eq!(peer.take().len(), 0, "{target}");
    }
    front.close().await;
}

/// Hyper sends these in a form of their own, or a peer in between may answer them with what it got.
#[tokio::test]
async fn methods_arrive_as_they_are_or_not_at_all() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    for method in [
        "DELETE", "OPTIONS", "PATCH", "POST", "PUT", "PROPFIND", "get",
    ] {
        let bytes = get("/api/v1/products").replacen("GET", method, 1);
        assert_eq!(ask(front.address, bytes).await.text(), "here", "{method}");
        let line = format!("{method} /api/v1/products HTTP/1.1");
        assert_eq!(peer.take()[0].message.head.line, line);
    }
    for method in ["CONNECT", "TRACE"] {
        let bytes = get("/api/v1/products").replacen("GET", method, 1);
        let answer = ask(front.address, bytes).await;
        answer.expect_problem(405, "method_not_allowed");
        let allowed = answer.head.get("allow");
        assert_eq!(allowed, Some("GET, HEAD, POST"), "{method}");
        assert_eq!(peer.take().len(), 0, "{method}");
    }
    front.close().await;
}
