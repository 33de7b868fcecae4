//! Headers of the message pass; headers of the connection do not, and nobody speaks for us.

use crate::client::{ask, with};
use crate::front::{Front, service_token};
use crate::message::{Head, Message};
use crate::peer::{Peer, Served, answer, ok};

async fn arrived(front: &Front, peer: &Served, lines: &str) -> Head {
    let answer = ask(front.address, with("/api/v1/products", lines)).await;
    assert_eq!(answer.head.status(), 200, "{}", answer.text());
    peer.take().remove(0).message.head
}

#[tokio::test]
async fn headers_of_the_connection_stay_behind() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let head = arrived(
        &front,
        &peer,
        "connection: keep-alive, X-Mine ,x-other\r\nconnection: x-third\r\n\
         keep-alive: timeout=5\r\nte: trailers, gzip\r\ntrailer: x-sum\r\nupgrade: h2c\r\n\
         proxy-connection: close\r\nproxy-authorization: Basic YTpi\r\nproxy-authenticate: x\r\n\
         x-mine: 1\r\nX-OTHER: 2\r\nx-third: 3\r\nx-fourth: 4\r\n",
    )
    .await;
    for name in [
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
        "x-mine",
        "x-other",
        "x-third",
    ] {
        assert_eq!(head.all(name), [""; 0], "{name}");
    }
    assert_eq!(head.all("x-fourth"), ["4"]);
    front.close().await;
}

/// What a client names in `Connection` cannot take away what we say.
#[tokio::test]
async fn a_client_cannot_strike_out_our_own_headers() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let lines = "connection: x-cleave-service, x-cleave-deadline-ms, x-forwarded-for, \
        x-request-id, traceparent, host\r\nx-request-id: mine\r\n";
    let head = arrived(&front, &peer, lines).await;
    for name in [
        "x-cleave-service",
        "x-cleave-deadline-ms",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
        "traceparent",
        "host",
    ] {
        assert_eq!(head.all(name).len(), 1, "{name}: {head:?}");
    }
    assert_eq!(head.get("x-request-id"), Some("mine"));
    front.close().await;
}

#[tokio::test]
async fn nobody_speaks_for_us() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let head = arrived(
        &front,
        &peer,
        "x-cleave-service: Bearer forged\r\nx-cleave-service: Bearer forged\r\n\
         X-Cleave-Deadline-Ms: 99999999\r\nx-cleave-caller: forged\r\nx-cleave-anything: forged\r\n\
         x-forwarded-for: 203.0.113.1\r\nX-Forwarded-For: 203.0.113.2\r\n\
         x-forwarded-proto: forged\r\nx-forwarded-host: forged\r\nx-forwarded-port: forged\r\n\
         x-forwarded-prefix: /forged\r\nforwarded: for=203.0.113.1;host=forged\r\n\
         x-real-ip: 203.0.113.1\r\n",
    )
    .await;
    for (name, value) in &head.headers {
        assert!(
            !value.contains("forged") && !value.contains("203.0.113"),
            "{name}: {value}"
        );
    }
    assert_eq!(head.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(head.all("x-forwarded-proto"), ["http"]);
    assert_eq!(head.all("x-forwarded-host"), ["shop.example"]);
    let deadline: u64 = head.get("x-cleave-deadline-ms").unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&deadline), "{deadline}");
    assert_eq!(head.all("x-cleave-service").len(), 1);
    front.close().await;
}

/// A proxy that we trust says where the client is and how it came.
#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &["server.trusted_proxies=127.0.0.0/8"]).await;
    let lines = "x-forwarded-for: 192.0.2.9, 203.0.113.1\r\nx-forwarded-proto: https\r\n\
        x-forwarded-host: www.shop.example\r\n";
    let head = arrived(&front, &peer, lines).await;
    assert_eq!(head.all("x-forwarded-for"), ["203.0.113.1"]);
    assert_eq!(head.all("x-forwarded-proto"), ["https"]);
    assert_eq!(head.all("x-forwarded-host"), ["www.shop.example"]);
    let head = arrived(&front, &peer, "x-forwarded-proto: gopher\r\n").await;
    assert_eq!(head.all("x-forwarded-proto"), ["http"]);
    front.close().await;
}

#[tokio::test]
async fn headers_of_the_message_pass_as_they_are() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let head = arrived(
        &front,
        &peer,
        "authorization: Bearer a.b.c\r\ncookie: a=1\r\ncookie: b=2\r\nx-many: 1, 2\r\nx-many: 3\r\n\
         idempotency-key: k\"\\'\r\nif-none-match: W/\"x\", \"y\"\r\nrange: bytes=0-1\r\n\
         user-agent: shopper/1\r\nx-empty:\r\naccept: */*\r\norigin: https://x.example\r\n\
         date: Mon, 23 Nov 2026 00:00:00 GMT\r\nx-latin: \u{e9}\r\n",
    )
    .await;
    for (name, values) in [
        ("authorization", &["Bearer a.b.c"][..]),
        ("cookie", &["a=1", "b=2"]),
        ("x-many", &["1, 2", "3"]),
        ("idempotency-key", &["k\"\\'"]),
        ("if-none-match", &["W/\"x\", \"y\""]),
        ("range", &["bytes=0-1"]),
        ("user-agent", &["shopper/1"]),
        ("x-empty", &[""]),
        ("accept", &["*/*"]),
        ("origin", &["https://x.example"]),
        ("date", &["Mon, 23 Nov 2026 00:00:00 GMT"]),
        // As bytes; read here one by one.
        ("x-latin", &["\u{c3}\u{a9}"]),
    ] {
        assert_eq!(head.all(name), values, "{name}");
    }
    front.close().await;
}

#[tokio::test]
async fn a_request_keeps_its_id_and_its_trace() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let lines = format!(
        "x-request-id: cart-7\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\n\
         tracestate: vendor=1\r\n"
    );
    let answer = ask(front.address, with("/api/v1/products", &lines)).await;
    assert_eq!(answer.head.all("x-request-id"), ["cart-7"]);
    let head = peer.take().remove(0).message.head;
    assert_eq!(head.all("x-request-id"), ["cart-7"]);
    assert_eq!(head.all("tracestate"), ["vendor=1"]);
    let [sent] = *head.all("traceparent") else {
        panic!("{head:?}")
    };
    assert!(
        sent.starts_with(&format!("00-{trace}-")) && sent.ends_with("-01"),
        "{sent}"
    );
    assert!(
        !sent.contains("b7ad6b7169203331"),
        "a span of our own: {sent}"
    );
    front.close().await;
}

#[tokio::test]
async fn an_answer_keeps_its_headers_and_none_of_the_connections() {
    let peer = Peer::listen().await.answer(|_| {
        let lines = "connection: keep-alive, x-mine\r\nkeep-alive: timeout=5\r\nx-mine: 1\r\n\
            proxy-authenticate: x\r\nproxy-connection: x\r\ntrailer: x\r\nupgrade: h2c\r\nte: x\r\n\
            set-cookie: a=1\r\nset-cookie: b=2\r\nvary: origin\r\nvary: accept\r\n\
            x-many: 1\r\nx-many: 2, 3\r\nx-many: 4\r\netag: \"e\"\r\nlocation: /api/v1/x\r\n\
            www-authenticate: Bearer\r\nwww-authenticate: Basic\r\ncache-control: no-store\r\n\
            retry-after: 7\r\nallow: GET\r\ncontent-disposition: attachment; filename=\"\u{e9}\"\r\n\
            x-request-id: of-the-peer\r\nx-content-type-options: sniff\r\n\
            date: Mon, 01 Jan 2001 00:00:00 GMT\r\nserver: peer\r\n";
        answer("299 Odd", lines, "body")
    });
    let front = Front::of(peer.address, &[]).await;
    let got = ask(
        front.address,
        with("/api/v1/products", "x-request-id: mine\r\n"),
    )
    .await;
    let head = &got.head;
    assert_eq!((head.status(), &*got.text()), (299, "body"));
    for name in [
        "keep-alive",
        "x-mine",
        "proxy-authenticate",
        "proxy-connection",
        "trailer",
        "upgrade",
        "te",
        "connection",
        "server",
        "transfer-encoding",
    ] {
        assert_eq!(head.all(name), [""; 0], "{name}");
    }
    for (name, values) in [
        ("set-cookie", &["a=1", "b=2"][..]),
        ("x-many", &["1", "2, 3", "4"]),
        ("etag", &["\"e\""]),
        ("location", &["/api/v1/x"]),
        ("www-authenticate", &["Bearer", "Basic"]),
        ("cache-control", &["no-store"]),
        ("retry-after", &["7"]),
        ("allow", &["GET"]),
        ("content-length", &["4"]),
        ("x-request-id", &["mine"]),
        ("x-content-type-options", &["nosniff"]),
    ] {
        assert_eq!(head.all(name), values, "{name}");
    }
    let [vary] = *head.all("vary") else {
        panic!("{head:?}")
    };
    assert!(vary.starts_with("origin, accept, "), "{vary}");
    assert_eq!(head.all("date").len(), 1);
    front.close().await;
}

/// The client's own coding is for us to make; the peer is asked for none.
#[tokio::test]
async fn codings_are_agreed_with_each_side() {
    let plain = "x".repeat(5_000);
    let sent = plain.clone();
    let peer = Peer::listen().await.answer(move |_: &Message| ok(&sent));
    let front = Front::of(peer.address, &[]).await;
    let got = ask(
        front.address,
        with("/api/v1/products", "accept-encoding: gzip\r\n"),
    )
    .await;
    assert_eq!(got.head.all("content-encoding"), ["gzip"]);
    assert!(got.body.len() < 500 && got.head.chunked());
    assert_eq!(peer.take()[0].message.head.all("accept-encoding"), [""; 0]);
    let got = ask(front.address, with("/api/v1/products", "")).await;
    assert_eq!(got.text(), plain);
    front.close().await;
}

#[tokio::test]
async fn our_token_is_for_the_peer_alone() {
    let peer = Peer::listen().await.answer(|_| ok("here"));
    let front = Front::of(peer.address, &[]).await;
    let head = arrived(&front, &peer, "").await;
    let shown = head.get("x-cleave-service").unwrap().to_owned();
    let verifier = ports_http::ServiceTokens::new(&crate::front::SECRET.into());
    assert!(verifier.verify(&shown) && verifier.verify(&service_token()));
    assert_eq!(head.get("authorization"), None);
    front.close().await;
}
