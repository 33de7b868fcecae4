//! Requests in disguise: what reaches the peer is one well-framed request, or nothing.

use crate::client::{connect, get};
use crate::front::Front;
use crate::message::Message;
use crate::peer::{Peer, Served, ok};

/// Sends the bytes and all that would hide in them; answers with the statuses that came back.
async fn statuses(front: &Front, bytes: &[u8]) -> Vec<u16> {
    let mut wire = connect(front.address).await;
    wire.send(bytes).await;
    wire.end().await;
    let mut statuses = Vec::new();
    while let Ok(Message { head, .. }) = wire.message().await {
        statuses.push(head.status());
    }
    statuses
}

/// The requests that arrived, by their lines.
fn lines(peer: &Served) -> Vec<String> {
    let requests = peer.take().into_iter();
    requests
        .map(|request| {
            assert!(!request.broken, "{:?}", request.message);
            request.message.head.line
        })
        .collect()
}

/// Each hides a request for `/api/v1/products/hidden`.
fn disguises() -> Vec<Vec<u8>> {
    let hidden = "GET /api/v1/products/hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = hidden.len();
    let framed = |headers: &str, body: &str| {
        format!("POST /api/v1/products HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}").into_bytes()
    };
    let ended = format!("0\r\n\r\n{hidden}");
    let mut all = vec![
        framed("content-length: 5\r\ntransfer-encoding: chunked", &ended),
        framed("transfer-encoding: chunked\r\ncontent-length: 5", &ended),
        framed("content-length: 0\r\ntransfer-encoding: chunked", &ended),
        framed(
            &format!("content-length: 0\r\ncontent-length: {length}"),
            hidden,
        ),
        framed(
            &format!("content-length: {length}\r\ncontent-length: 0"),
            hidden,
        ),
        framed(&format!("content-length: {length}, 0"), hidden),
        framed("content-length: 0\r\ncontent-length: 0", ""),
        framed("content-length: +0", hidden),
        framed("content-length: -0", hidden),
        framed("content-length: 0x0", hidden),
        framed("content-length: 1e1", hidden),
        framed("content-length: 99999999999999999999", hidden),
        framed("content-length : 5", hidden),
        framed(" content-length: 5", hidden),
        framed("x: y\r\n content-length: 5", hidden),
        framed("x: y\r\n\tcontent-length: 5", hidden),
        framed("content length: 5", hidden),
        framed("content-length\0: 5", hidden),
        framed("x: a\0b", hidden),
        framed("x: a\rcontent-length: 5", hidden),
        framed("content-length:\r\n 5", hidden),
        framed(": 5", hidden),
    ];
    for coding in [
        "xchunked",
        "chunked, identity",
        "identity, chunked",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "\"chunked\"",
        "\u{b}chunked",
        "identity",
        "",
        "x",
    ] {
        all.push(framed(&format!("transfer-encoding: {coding}"), &ended));
    }
    for lines in [
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding : chunked",
        "transfer_encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "x: y\r\n transfer-encoding: chunked",
    ] {
        all.push(framed(lines, &ended));
    }
    for chunks in [
        "-1\r\n\r\n",
        "+0\r\n\r\n",
        "0x0\r\n\r\n",
        "5\r\nabc\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "ffffffffffffffff0\r\n\r\n",
        "1 2\r\na\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        "1\na\n0\n\n",
        "1;a\nb\r\na\r\n0\r\n\r\n",
        "1\r\na\n\n0\r\n\r\n",
        "g\r\n\r\n",
    ] {
        all.push(framed(
            "transfer-encoding: chunked",
            &format!("{chunks}{hidden}"),
        ));
    }
    all
}

#[tokio::test]
async fn a_request_in_disguise_is_one_request_or_none() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &["modules.products.circuit_failures=1000"]).await;
    for bytes in disguises() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let statuses = statuses(&front, &bytes).await;
        // Nothing of a refused request arrives as one that is whole.
        let arrived = peer.take();
        let whole = arrived.iter().filter(|request| !request.broken).count();
        assert!(whole <= 1, "{text}");
        for request in arrived.iter().filter(|request| !request.broken) {
            let line = &request.message.head.line;
            assert!(!line.contains("hidden"), "{text}: {line}");
        }
        match &*statuses {
            [400] | [] => assert_eq!(whole, 0, "{text}"),
            // A header as any other; what follows is no request.
            [200, 400] if text.contains("transfer_encoding") => {}
            other => panic!("{other:?} for {text}"),
        }
    }
    front.close().await;
}

#[tokio::test]
async fn what_is_odd_but_lawful_arrives_in_plain_words() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let head = "POST /api/v1/products HTTP/1.1\r\nhost: x\r\n";
    let next = get("/api/v1/products/next");
    for (bytes, body, length) in [
        (
            format!("{head}transfer-encoding: chunked\r\n\r\n3;ext=\"a;b\"\r\nabc\r\n0\r\n\r\n"),
            "abc",
            None,
        ),
        (
            format!("{head}Transfer-Encoding:\tChunked \r\n\r\n03\r\nabc\r\n00\r\n\r\n"),
            "abc",
            None,
        ),
        (
            format!("{head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            "",
            None,
        ),
        (
            format!("{head}content-length: 003\r\n\r\nabc"),
            "abc",
            Some("3"),
        ),
        (format!("{head}content-length: 0\r\n\r\n"), "", Some("0")),
        (
            format!("{head}Content-Length:   3\r\n\r\nabc"),
            "abc",
            Some("3"),
        ),
    ] {
        assert_eq!(
            statuses(&front, format!("{bytes}{next}").as_bytes()).await,
            [200, 200],
            "{bytes}"
        );
        let arrived = peer.take();
        let first = &arrived[0].message;
        assert_eq!(first.text(), body, "{bytes}");
        assert_eq!(first.head.get("content-length"), length, "{bytes}");
        assert_eq!(first.head.chunked(), length.is_none(), "{bytes}");
        assert_eq!(arrived[1].message.head.second(), "/api/v1/products/next");
    }
    front.close().await;
}

/// Trailers are dropped: nothing in them was looked at.
#[tokio::test]
async fn a_trailer_brings_nothing_in() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let bytes = "POST /api/v1/products HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
        trailer: x-cleave-caller\r\n\r\n3\r\nabc\r\n0\r\nx-cleave-caller: me\r\n\r\n";
    let statuses = statuses(&front, bytes.as_bytes()).await;
    for request in peer.take().iter().filter(|request| !request.broken) {
        assert_eq!(request.message.text(), "abc");
        assert_eq!(request.message.head.get("x-cleave-caller"), None);
    }
    assert!(statuses == [200] || statuses == [400], "{statuses:?}");
    front.close().await;
}

/// A request to become something else stays a request.
#[tokio::test]
async fn an_upgrade_is_not_passed_on() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let hidden = get("/ops/topology");
    for body in ["", "content-length: 5\r\n"] {
        let bytes = format!(
            "GET /api/v1/products HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n{body}\r\n{hidden}{hidden}"
        );
        statuses(&front, bytes.as_bytes()).await;
        for line in lines(&peer) {
            assert_eq!(line, "GET /api/v1/products HTTP/1.1", "{bytes}");
        }
    }
    front.close().await;
}

/// A peer that is led to speak of another protocol leads nobody there.
#[tokio::test]
async fn a_switch_of_protocols_is_no_answer() {
    let peer = Peer::listen().await.answer(|_| {
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nbytes"
            .to_vec()
    });
    let front = Front::of(peer.address, &[]).await;
    let mut wire = connect(front.address).await;
    wire.send(get("/api/v1/products")).await;
    wire.message()
        .await
        .unwrap()
        .expect_problem(503, "unavailable");
    front.close().await;
}
