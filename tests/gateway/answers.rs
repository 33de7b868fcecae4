//! Answers on their way back.

use std::time::Duration;

use tokio::time::Instant;

use crate::client::{ask, connect, get, post, with};
use crate::front::Front;
use crate::message::PATIENCE;
use crate::peer::{Peer, answer, ok};

const PATH: &str = "/api/v1/products";

#[tokio::test]
async fn head_is_get_without_the_body() {
    let peer = Peer::listen().await.answer(|request| {
        // As a server that knows HEAD.
        let mut reply = answer("200 OK", "etag: \"e\"\r\n", "nine byte");
        if request.head.line.starts_with("HEAD") {
            reply.truncate(reply.len() - 9);
        }
        reply
    });
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    for _ in 0..2 {
        client.send(get(PATH).replacen("GET", "HEAD", 1)).await;
        let head = client.head().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.all("content-length"), ["9"]);
        assert_eq!(head.all("etag"), ["\"e\""]);
    }
    client.send(get(PATH)).await;
    assert_eq!(client.message().await.unwrap().text(), "nine byte");
    front.close().await;
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let peer = Peer::listen().await.answer(|request| {
        let status = request.head.second().rsplit('/').next().unwrap();
        format!("HTTP/1.1 {status} X\r\netag: \"e\"\r\n\r\n").into_bytes()
    });
    let front = Front::of(peer.address, &[]).await;
    for lines in ["", "accept-encoding: gzip\r\n"] {
        let mut client = connect(front.address).await;
        for status in [204, 304] {
            client.send(with(&format!("{PATH}/{status}"), lines)).await;
            let message = client.message().await.unwrap();
            assert_eq!(message.head.status(), status);
            for name in ["content-length", "transfer-encoding", "content-encoding"] {
                assert_eq!(message.head.all(name), [""; 0], "{status} {name}");
            }
            assert_eq!(message.head.all("etag"), ["\"e\""]);
        }
    }
    front.close().await;
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let peer = Peer::listen().await.answer(|_| {
        let interim = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec();
        [interim, ok("here")].concat()
    });
    let front = Front::of(peer.address, &[]).await;
    assert_eq!(ask(front.address, get(PATH)).await.text(), "here");
    front.close().await;
}

/// Sized or not: the first piece is here before the last is made.
#[tokio::test]
async fn a_download_streams() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client.send(get(PATH)).await;
    let mut upstream = peer.accept().await;
    upstream.head().await.unwrap();
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        .await;
    assert_eq!(client.head().await.unwrap().all("content-length"), ["8"]);
    for piece in ["half", "half"] {
        upstream.send(piece).await;
        assert_eq!(client.exactly(4).await.unwrap(), piece.as_bytes());
    }
    client.send(get(PATH)).await;
    upstream.head().await.unwrap();
    upstream
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert!(client.head().await.unwrap().chunked());
    for piece in ["one", "two"] {
        upstream.send(format!("3\r\n{piece}\r\n")).await;
        assert_eq!(client.chunk().await.unwrap(), piece.as_bytes());
    }
    upstream.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await.unwrap(), b"");
    front.close().await;
}

/// A download waits for its reader, too.
#[tokio::test]
async fn a_download_waits_for_a_client_that_is_slow() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client.send(get(PATH)).await;
    let mut upstream = peer.accept().await;
    upstream.head().await.unwrap();
    upstream
        .send(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            200 << 20
        ))
        .await;
    let mebibyte = vec![b'x'; 1 << 20];
    let mut poured = 0;
    let moment = Duration::from_millis(700);
    while poured < 200
        && tokio::time::timeout(moment, upstream.try_send(&mebibyte))
            .await
            .is_ok()
    {
        poured += 1;
    }
    assert!(poured < 60, "{poured} MiB were taken by nobody");
    drop(client);
    front.close().await;
}

/// Events are of use at once, whatever codings the client knows.
#[tokio::test]
async fn events_arrive_one_by_one() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    for lines in ["", "accept-encoding: gzip, br\r\n"] {
        let mut client = connect(front.address).await;
        client.send(with(PATH, lines)).await;
        let mut upstream = peer.accept().await;
        upstream.head().await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
            cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n";
        upstream.send(head).await;
        let head = client.head().await.unwrap();
        // A coding would keep pieces back.
        assert!(head.get("content-encoding").is_none());
        for id in 1..=3 {
            let event = format!("id: {id}\ndata: {{}}\n\n");
            upstream
                .send(format!("{:x}\r\n{event}\r\n", event.len()))
                .await;
            let got = client.chunk().await.unwrap();
            assert!(got == event.as_bytes(), "{got:?}");
        }
        upstream.send("0\r\n\r\n").await;
        while !client.chunk().await.unwrap().is_empty() {}
    }
    front.close().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_answer_of_the_peer() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client.send(get(PATH)).await;
    let mut upstream = peer.accept().await;
    upstream.head().await.unwrap();
    upstream
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    client.head().await.unwrap();
    drop(client);
    let start = Instant::now();
    while upstream.try_send(b"4\r\nmore\r\n").await.is_ok() {
        assert!(start.elapsed() < PATIENCE, "the peer goes on for nobody");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    front.close().await;
}

/// Half an answer never looks whole.
#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_for_the_client_too() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &["modules.products.circuit_failures=1000"]).await;
    let long = "x".repeat(3_000);
    for lines in ["", "accept-encoding: gzip\r\n"] {
        for part in [
            format!("content-length: 9000\r\n\r\n{long}"),
            format!("transfer-encoding: chunked\r\n\r\nbb8\r\n{long}\r\n"),
            format!("transfer-encoding: chunked\r\n\r\nbb8\r\n{long}\r\nff\r\nx"),
            format!("transfer-encoding: chunked\r\n\r\nbb8\r\n{long}\r\nnonsense\r\n"),
        ] {
            let mut client = connect(front.address).await;
            client.send(with(PATH, lines)).await;
            let mut upstream = peer.accept().await;
            upstream.head().await.unwrap();
            upstream.send(format!("HTTP/1.1 200 OK\r\n{part}")).await;
            drop(upstream);
            let head = client.head().await.unwrap();
            assert_eq!(head.status(), 200);
            let start = &part[..40];
            assert!(client.body(&head).await.is_err(), "{lines} {start}");
        }
    }
    front.close().await;
}

/// One that hangs up, or speaks no HTTP, is a module that cannot be reached.
#[tokio::test]
async fn no_answer_is_503_with_a_time_to_come_back() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &["modules.products.circuit_failures=1000"]).await;
    let many: String = (0..300).map(|n| format!("x-{n}: y\r\n")).collect();
    for reply in [
        String::new(),
        "HTTP/1.1 200 OK\r\ncontent-le".to_owned(),
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "HTTP/1.1 2 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nab".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
    ] {
        let mut client = connect(front.address).await;
        // A write is sent once.
        client.send(post(PATH, "body")).await;
        let mut upstream = peer.accept().await;
        upstream.message().await.unwrap();
        upstream.send(&reply).await;
        upstream.end().await;
        let refused = client.message().await.unwrap();
        refused.expect_problem(503, "unavailable");
        assert_eq!(refused.head.all("retry-after"), ["1"], "{reply}");
        assert_eq!(refused.json()["instance"], PATH);
    }
    let address = peer.address;
    drop(peer);
    let refused = ask(front.address, get(PATH)).await;
    refused.expect_problem(503, "unavailable");
    assert!(
        !refused.text().contains(&address.to_string()),
        "{}",
        refused.text()
    );
    front.close().await;
}

/// A connection may be closed as it is taken up; a read may be asked again.
#[tokio::test]
async fn a_read_that_breaks_is_asked_once_more() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &[]).await;
    let mut client = connect(front.address).await;
    client.send(get(PATH)).await;
    let mut upstream = peer.accept().await;
    let first = upstream.head().await.unwrap();
    drop(upstream);
    let mut upstream = peer.accept().await;
    assert_eq!(upstream.head().await.unwrap(), first);
    upstream.send(ok("here")).await;
    assert_eq!(client.message().await.unwrap().text(), "here");

    client.send(get(PATH)).await;
    for _ in 0..2 {
        peer.accept().await.head().await.unwrap();
    }
    let refused = client.message().await.unwrap();
    refused.expect_problem(503, "unavailable");
    front.close().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_503() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &["server.request_deadline_ms=300"]).await;
    let mut client = connect(front.address).await;
    client.send(get(PATH)).await;
    let mut upstream = peer.accept().await;
    upstream.head().await.unwrap();
    let refused = client.message().await.unwrap();
    refused.expect_problem(503, "deadline_exceeded");
    assert_eq!(refused.head.all("retry-after"), ["1"]);
    assert!(
        upstream.is_closed().await,
        "the peer is told that nobody waits"
    );
    front.close().await;
}
