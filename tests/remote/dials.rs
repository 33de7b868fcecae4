//! Turning a dial: what is refused, what is kept.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use actix_web::{App, HttpResponse, HttpServer, web};
use ports_http::{Handshake, Hosted};
use reqwest::Method;
use serde_json::json;

use crate::node::{Node, send};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::{TestDatabases, free_address};

/// Answers the handshake, and nothing else.
fn fake_peer(port_version: u32) -> SocketAddr {
    let products = Hosted {
        port_version,
        not_ready: None,
        database: None,
    };
    let handshake = Handshake {
        service: "cleave".to_owned(),
        version: "99.0.0".to_owned(),
        modules: BTreeMap::from([("products".to_owned(), products)]),
    };
    let server = HttpServer::new(move || {
        let handshake = handshake.clone();
        let answer = move || {
            let handshake = handshake.clone();
            async move { HttpResponse::Ok().json(handshake) }
        };
        App::new().route(Handshake::PATH, web::get().to(answer))
    });
    let server = server.workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

#[tokio::test]
async fn a_peer_that_is_not_ready_changes_nothing() {
    let split = Split::hosted(&[]).await;
    let front = &split.front;
    let dead = format!("http://{}", free_address());
    let elsewhere = TestDatabases::create().await;
    let other_shop = Node::start(&elsewhere, &[]).await;
    let without_products = Node::start(
        &split.databases,
        &["modules.products.mode=off", "modules.orders.mode=off"],
    )
    .await;
    let other_version = fake_peer(99);

    front
        .turn("products", json!({"step": "canary", "percent": 7}))
        .await
        .expect(200);
    let before = front.topology("products").await;
    assert_eq!(before["percent"], 7);
    let refused = [
        (dead.clone(), "connect"),
        (other_shop.private_url(), "another database"),
        (without_products.private_url(), "does not host products"),
        (format!("http://{other_version}"), "version 99"),
        // Nothing of ours answers there.
        (format!("http://{}", front.address), "answered 404"),
    ];
    for (url, reason) in &refused {
        for step in ["shadow", "canary", "remote"] {
            let answer = front
                .turn("products", json!({"step": step, "url": url}))
                .await;
            let problem = answer.expect_problem(409, "peer_not_ready");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(reason), "{detail}");
            assert!(detail.contains(url), "{detail}");
        }
        let now = front.topology("products").await;
        for what in ["step", "percent", "url", "mode"] {
            assert_eq!(now[what], before[what], "{url}");
        }
    }
    split.proxy.set(Mode::Hang).await;
    let answer = front.turn("products", json!({"step": "remote"})).await;
    answer.expect_problem(409, "peer_not_ready");
    assert_eq!(front.topology("products").await["step"], "canary");
    // Back home one may always go, and with force anywhere.
    front
        .turn("products", json!({"step": "local"}))
        .await
        .expect(200);
    let turned = front
        .turn(
            "products",
            json!({"step": "remote", "url": dead, "force": true}),
        )
        .await;
    assert_eq!(turned.expect(200)["step"], "remote");
    front
        .get(&split.product_path())
        .await
        .expect_problem(503, "unavailable");
    let turned = front.turn("products", json!({"step": "local"})).await;
    assert_eq!(turned.expect(200)["url"], json!(dead));
    front.get(&split.product_path()).await.expect(200);
    without_products.close().await;
    other_shop.close().await;
    split.close().await;
}

#[tokio::test]
async fn a_turn_that_makes_no_sense_is_refused() {
    let databases = TestDatabases::create().await;
    let service = Node::start(&databases, &["modules.orders.mode=off"]).await;
    let url = format!("modules.users.url={}", service.private_url());
    let front = Node::start(&databases, &["modules.users.mode=remote", &url]).await;

    let turned = front.turn("nonsense", json!({"step": "local"})).await;
    turned.expect_problem(404, "not_found");
    // Orders are off there.
    let turned = service.turn("orders", json!({"step": "local"})).await;
    turned.expect_problem(404, "not_found");
    for percent in [json!(101), json!(300), json!(-1), json!("all"), json!(1.5)] {
        let url = service.private_url();
        let turn = json!({"step": "canary", "percent": percent, "url": url});
        front.turn("products", turn).await.expect_invalid("percent");
    }
    front
        .turn("products", json!({"step": "sideways"}))
        .await
        .expect_invalid("step");
    front
        .turn("products", json!({}))
        .await
        .expect_invalid("step");
    front
        .turn("products", json!({"step": "local", "speed": 3}))
        .await
        .expect_invalid("speed");
    for step in ["shadow", "canary", "remote"] {
        front
            .turn("products", json!({"step": step}))
            .await
            .expect_invalid("url");
    }
    for url in [
        "",
        "nowhere",
        "ftp://x:1",
        "http://x:1/path",
        "http://user:word@x:1",
        "http://x:1?y=1",
    ] {
        let turn = json!({"step": "remote", "url": url});
        front.turn("products", turn).await.expect_invalid("url");
    }
    for step in ["local", "shadow", "canary"] {
        let turned = front.turn("users", json!({"step": step})).await;
        turned.expect_problem(409, "not_hosted");
    }
    assert_eq!(front.topology("products").await["step"], "local");
    assert_eq!(front.topology("users").await["step"], "remote");
    front.close().await;
    service.close().await;
}

#[tokio::test]
async fn operators_show_their_token() {
    let databases = TestDatabases::create().await;
    let node = Node::start(&databases, &[]).await;
    let client = reqwest::Client::new();
    let turn = json!({"step": "local"});
    let requests = || {
        let at = |path: &str| format!("{}{path}", node.private_url());
        [
            client.get(at("/ops/topology")),
            client.put(at("/ops/modules/products")).json(&turn),
            client.put(at("/ops/modules/nonsense")).json(&turn),
            client
                .put(at("/ops/modules/products"))
                .json(&json!({"step": 1})),
        ]
    };
    for token in [
        None,
        Some("wrong"),
        Some(""),
        Some("operators-token-of-these-tests-onl"),
    ] {
        for request in requests() {
            let answer = send(match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            });
            let answer = answer.await;
            assert!(
                answer
                    .header("www-authenticate")
                    .is_some_and(|how| how.starts_with("Bearer"))
            );
            answer.expect_problem(401, "invalid_token");
        }
    }
    // A customer's token is none of an operator's, and the public listener knows nothing of it.
    let admin = node.admin().await;
    let url = format!("{}/ops/topology", node.private_url());
    send(client.get(url).bearer_auth(&admin.token))
        .await
        .expect(401);
    node.health("/ops/topology")
        .await
        .expect_problem(404, "unknown_route");
    node.health("/internal/handshake")
        .await
        .expect_problem(404, "unknown_route");
    node.ops(Method::GET, "/ops/topology", None)
        .await
        .expect(200);
    node.close().await;
}

#[tokio::test]
async fn a_dial_stands_where_it_was_left_until_the_settings_change() {
    let databases = TestDatabases::create().await;
    let service = Node::start(&databases, &["modules.orders.mode=off"]).await;
    let folder = tempfile::tempdir().unwrap();
    let url = service.private_url();

    let front = Node::start_in(folder.path(), &databases, &[]).await;
    let turn = json!({"step": "canary", "percent": 35, "url": url});
    front.turn("products", turn).await.expect(200);
    front
        .turn("users", json!({"step": "remote", "url": url}))
        .await
        .expect(200);
    front.close().await;

    let front = Node::start_in(folder.path(), &databases, &[]).await;
    let products = front.topology("products").await;
    assert_eq!(products["step"], "canary", "{products}");
    assert_eq!(products["percent"], 35, "{products}");
    assert_eq!(products["url"], json!(url), "{products}");
    assert_eq!(front.topology("users").await["step"], "remote");
    assert_eq!(front.topology("orders").await["step"], "local");
    front.close().await;

    // Said anew, so what was turned by hand is over: for this module.
    let set = format!("modules.products.url={url}");
    let front = Node::start_in(folder.path(), &databases, &[&set]).await;
    let products = front.topology("products").await;
    assert_eq!(products["step"], "local", "{products}");
    assert_eq!(products["url"], json!(url), "{products}");
    assert_eq!(front.topology("users").await["step"], "remote");
    front.close().await;
    service.close().await;
}
