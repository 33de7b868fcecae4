//! One pool of connections for everybody, and to everybody the own answer.

use std::sync::Arc;

use crate::client::{ask, connect, get, post};
use crate::eventually::eventually;
use crate::front::Front;
use crate::peer::{Peer, answer, ok};

const PATH: &str = "/api/v1/products";

#[tokio::test]
async fn a_connection_to_the_peer_serves_one_request_after_the_other() {
    let peer = Peer::listen().await.answer(|request| ok(&request.text()));
    let front = Front::of(peer.address, &["server.workers=1"]).await;
    for n in 0..20 {
        let body = format!("body {n}");
        assert_eq!(ask(front.address, post(PATH, &body)).await.text(), body);
        ask(front.address, get(PATH)).await;
    }
    assert_eq!(peer.connections(), 1);
    front.close().await;
}

#[tokio::test]
async fn each_client_gets_the_own_answer() {
    let peer = Peer::listen().await.answer(|request| {
        let path = request.head.second();
        ok(&format!("{path} {}", request.text()))
    });
    let front = Arc::new(Front::of(peer.address, &[]).await);
    let clients = (0..200).map(|n| {
        let front = Arc::clone(&front);
        tokio::spawn(async move {
            let mut client = connect(front.address).await;
            for round in 0..5 {
                let path = format!("{PATH}/{n}/{round}");
                let body = format!("{n}-{round} ").repeat(n * 20 + 1);
                client.send(post(&path, &body)).await;
                let answer = client.message().await.unwrap();
                assert_eq!(answer.text(), format!("{path} {body}"));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert!(
        peer.connections() < 600,
        "{} for 1000 requests",
        peer.connections()
    );
    Arc::into_inner(front).unwrap().close().await;
}

/// What is left of one answer is not the beginning of the next.
#[tokio::test]
async fn what_a_peer_sends_too_much_is_nobodys_answer() {
    let peer = Peer::listen().await.answer(|request| {
        let surplus = answer("200 OK", "", "poisoned");
        match request.head.second().ends_with("/surplus") {
            true => [ok("first"), surplus].concat(),
            false => ok("clean"),
        }
    });
    let front = Front::of(peer.address, &["server.workers=1"]).await;
    for _ in 0..10 {
        let first = ask(front.address, get("/api/v1/products/surplus")).await;
        assert_eq!(first.text(), "first");
        let next = ask(front.address, get(PATH)).await;
        assert_eq!(next.text(), "clean");
    }
    front.close().await;
}

/// A connection on which an upload was given up is not used again.
#[tokio::test]
async fn half_an_upload_is_not_the_beginning_of_the_next_request() {
    let peer = Peer::listen().await.answer(|request| ok(&request.text()));
    let front = Front::of(peer.address, &["server.workers=1"]).await;
    for _ in 0..10 {
        let mut client = connect(front.address).await;
        let half = post(PATH, "0123456789").replace("56789", "");
        client.send(half).await;
        drop(client);
        assert_eq!(
            ask(front.address, post(PATH, "whole")).await.text(),
            "whole"
        );
    }
    front.close().await;
}

/// Connections that the peer has closed in the meantime are not seen by any client.
#[tokio::test]
async fn a_peer_that_closes_idle_connections_loses_no_request() {
    let peer = Peer::listen().await;
    let front = Front::of(peer.address, &["server.workers=1"]).await;
    for n in 0..10 {
        let mut client = connect(front.address).await;
        client.send(post(PATH, "body")).await;
        let mut upstream = peer.accept().await;
        upstream.message().await.unwrap();
        upstream.send(ok(&n.to_string())).await;
        assert_eq!(client.message().await.unwrap().text(), n.to_string());
        drop(upstream);
        // A round trip through the same worker: by then the end has been seen.
        eventually("the front answers", async || {
            let health = ask(front.address, get("/health/live")).await;
            health.head.status() == 200
        })
        .await;
    }
    front.close().await;
}
