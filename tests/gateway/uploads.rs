//! Bodies on their way to the peer.

use std::time::Duration;

use tokio::time::timeout;

use crate::client::{ask, connect, get, post};
use crate::eventually::eventually;
use crate::front::Front;
use crate::message::Wire;
use crate::peer::{Peer, answer, ok};

const PATH: &str = "/api/v1/products";
const IMPORT: &str = "/api/v1/products/import";
/// One fault would open it, and it would stay open.
const TOUCHY: [&str; 2] = [
    "modules.products.circuit_failures=1",
    "modules.products.circuit_open_ms=600000",
];

fn head(path: &str, framing: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\n{framing}\r\n\r\n")
}

/// Sends so many mebibytes, or fewer when nobody takes any more for a while.
async fn pour(wire: &mut Wire, mebibytes: usize) -> usize {
    let mebibyte = vec![b'x'; 1 << 20];
    for poured in 0..mebibytes {
        let sent = timeout(Duration::from_millis(700), wire.try_send(&mebibyte)).await;
        if sent.is_err() {
            return poured;
        }
    }
    mebibytes
}

/// Nothing is kept but what the sockets hold.
#[tokio::test]
async fn an_upload_waits_for_a_peer_that_is_slow() {
    const SIZE: usize = 200 << 20;
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client
        .send(head(IMPORT, &format!("content-length: {SIZE}")))
        .await;
    let mut upstream = peer.accept().await;
    let got = upstream.head().await.unwrap();
    assert_eq!(got.get("content-length"), Some(&*SIZE.to_string()));
    let poured = pour(&mut client, 200).await;
    assert!(poured < 60, "{poured} MiB were taken by nobody");
    drop(client);
    drop(upstream);

    let mut client = connect(front.address).await;
    client
        .send(head(IMPORT, &format!("content-length: {SIZE}")))
        .await;
    let mut upstream = peer.accept().await;
    upstream.head().await.unwrap();
    let reading = tokio::spawn(async move {
        for _ in 0..200 {
            let mebibyte = upstream.exactly(1 << 20).await.unwrap();
            assert!(mebibyte.iter().all(|byte| *byte == b'x'));
        }
        upstream.send(ok("200 MiB")).await;
        upstream
    });
    let mebibyte = vec![b'x'; 1 << 20];
    for _ in 0..200 {
        client.try_send(&mebibyte).await.unwrap();
    }
    assert_eq!(client.message().await.unwrap().text(), "200 MiB");
    drop(reading.await.unwrap());
    front.close().await;
}

#[tokio::test]
async fn a_body_may_wait_for_its_go_ahead() {
    let peer = Peer::listen().await.answer(|request| ok(&request.text()));
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client
        .send(head(IMPORT, "content-length: 4\r\nexpect: 100-continue"))
        .await;
    assert_eq!(client.message().await.unwrap().head.status(), 100);
    client.send("body").await;
    assert_eq!(client.message().await.unwrap().text(), "body");
    assert_eq!(peer.take()[0].message.head.get("expect"), None);
    front.close().await;
}

#[tokio::test]
async fn any_method_may_have_a_body() {
    let peer = Peer::listen().await.answer(|request| ok(&request.text()));
    let front = Front::of(peer.address, &[]).await;
    for method in ["GET", "DELETE", "OPTIONS", "PATCH", "PUT"] {
        let bytes = post("/api/v1/products", method).replacen("POST", method, 1);
        assert_eq!(ask(front.address, bytes).await.text(), method);
    }
    front.close().await;
}

/// What a client does not finish is not finished for it, and nobody is blamed.
#[tokio::test]
async fn an_upload_that_breaks_off_never_seems_whole() {
    let peer = Peer::listen().await.answer(|_| ok("whole"));
    let front = Front::of(peer.address, &TOUCHY).await;
    for path in [IMPORT, PATH] {
        for (framing, part) in [
            ("content-length: 100", "half of it"),
            ("content-length: 100", ""),
            ("transfer-encoding: chunked", "5\r\nsku,n\r\n"),
            ("transfer-encoding: chunked", "5\r\nsk"),
            ("transfer-encoding: chunked", ""),
            ("transfer-encoding: chunked", "0\r\n"),
        ] {
            for half_closed in [true, false] {
                let mut client = connect(front.address).await;
                client.send(head(path, framing)).await;
                client.send(part).await;
                if half_closed {
                    client.end().await;
                    let refused = client.message().await.map(|answer| answer.head.status());
                    assert!(refused.is_err() || refused.is_ok_and(|status| status == 400));
                }
                drop(client);
                let next = ask(front.address, get(PATH)).await;
                assert_eq!(next.text(), "whole", "{path} {framing} {part}");
            }
        }
    }
    // One whose client left at once may not have been begun.
    eventually("every upload has ended", async || peer.half_read() == 0).await;
    let requests = peer.take();
    for request in &requests {
        let line = &request.message.head.line;
        let whole = line.starts_with("GET");
        assert_eq!(request.broken, !whole, "{:?}", request.message);
    }
    assert!(requests.iter().filter(|request| request.broken).count() > 5);
    front.close().await;
}

/// A client that does not send is not the peer's fault, also when its time is over.
#[tokio::test]
async fn a_client_that_is_slow_is_not_the_fault_of_the_peer() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let set = [&TOUCHY[..], &["server.request_deadline_ms=400"]].concat();
    let front = Front::of(peer.address, &set).await;
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut client = connect(front.address).await;
        client.send(head(PATH, framing)).await;
        let answer = client.message().await.unwrap();
        answer.expect_problem(408, "request_timeout");
        assert_eq!(answer.head.all("connection"), ["close"], "{framing}");
        let next = ask(front.address, get(PATH)).await;
        assert_eq!(next.text(), "here", "{framing}");
    }
    front.close().await;
}

/// Whoever sends slowly takes no place from those who have sent.
#[tokio::test]
async fn clients_that_are_slow_keep_nobody_out() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &["modules.products.max_in_flight=2"]).await;
    let mut slow = Vec::new();
    for path in [IMPORT, PATH, PATH] {
        let mut client = connect(front.address).await;
        client.send(head(path, "content-length: 10")).await;
        client.send("12345").await;
        let mut upstream = peer.accept().await;
        upstream.head().await.unwrap();
        // What has arrived was sent before the next piece was waited for.
        assert_eq!(upstream.exactly(5).await.unwrap(), b"12345");
        slow.push((client, upstream));
    }
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = connect(front.address).await;
        client.send(get(PATH)).await;
        let mut upstream = peer.accept().await;
        upstream.head().await.unwrap();
        waiting.push((client, upstream));
    }
    // Now all places are taken, by those who wait for the peer.
    ask(front.address, get(PATH))
        .await
        .expect_problem(503, "unavailable");
    for (client, upstream) in &mut slow {
        client.send("67890").await;
        assert_eq!(upstream.exactly(5).await.unwrap(), b"67890");
    }
    for (mut client, mut upstream) in slow.into_iter().chain(waiting) {
        upstream.send(ok("here")).await;
        assert_eq!(client.message().await.unwrap().text(), "here");
    }
    front.close().await;
}

/// A refusal need not wait for a body that nobody wants.
#[tokio::test]
async fn an_early_answer_arrives_while_the_upload_goes_on() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &TOUCHY).await;
    for (framing, closes) in [
        ("content-length: 209715200", false),
        ("content-length: 209715200", true),
        ("transfer-encoding: chunked", false),
        ("transfer-encoding: chunked", true),
    ] {
        let mut client = connect(front.address).await;
        client.send(head(IMPORT, framing)).await;
        if framing.starts_with("transfer") {
            client.send("fffffff\r\n").await;
        }
        client.send("some of it").await;
        let mut upstream = peer.accept().await;
        upstream.head().await.unwrap();
        let too_large = answer(
            "413 Payload Too Large",
            "connection: close\r\n",
            "too large",
        );
        upstream.send(too_large).await;
        let upstream = (!closes).then_some(upstream);
        let refused = client.message().await.unwrap();
        assert_eq!(
            (refused.head.status(), &*refused.text()),
            (413, "too large"),
            "{framing}"
        );
        drop(upstream);
    }
    front.close().await;
}

/// The answer may go along with the upload, piece for piece.
#[tokio::test]
async fn both_ways_flow_at_once() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client
        .send(head(IMPORT, "transfer-encoding: chunked"))
        .await;
    let mut upstream = peer.accept().await;
    assert!(upstream.head().await.unwrap().chunked());
    upstream
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert!(client.head().await.unwrap().chunked());
    for piece in ["one", "two", "three"] {
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        client.send(&chunk).await;
        assert_eq!(upstream.chunk().await.unwrap(), piece.as_bytes());
        upstream.send(&chunk).await;
        assert_eq!(client.chunk().await.unwrap(), piece.as_bytes());
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(upstream.chunk().await.unwrap(), b"");
    upstream.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await.unwrap(), b"");
    front.close().await;
}
