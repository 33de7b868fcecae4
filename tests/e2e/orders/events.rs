//! `/orders/{id}/events`: what becomes of an order, as it happens.

use std::time::Duration;

use cleave::settings::Module;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{Answer, Customer, Raw, TestShop, Topology, within};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a client has of its connection.
struct Events {
    response: Response,
    text: String,
}

#[derive(Debug, PartialEq)]
struct Event {
    id: String,
    event: String,
    data: Value,
}

impl Events {
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(str::to_owned)
                };
                let event = field("id: ").map(|id| Event {
                    id,
                    event: field("event: ").unwrap(),
                    data: serde_json::from_str(&field("data: ").unwrap()).unwrap(),
                });
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            // Cut off rather than ended would be an error.
            let piece = timeout(PATIENCE, self.response.chunk()).await;
            let piece = piece.expect("something is said in time").unwrap()?;
            self.text += std::str::from_utf8(&piece).unwrap();
        }
    }

    /// The name of the next event.
    async fn name(&mut self) -> Option<String> {
        self.next().await.map(|event| event.event)
    }
}

async fn connect(shop: &TestShop, who: &Customer, id: &str, last: Option<&str>) -> Response {
    let request = shop.request(Method::GET, &format!("/api/v1/orders/{id}/events"));
    let request = request
        .bearer_auth(&who.token)
        .header("Accept-Encoding", "gzip, br");
    let request = match last {
        Some(last) => request.header("Last-Event-ID", last),
        None => request,
    };
    request.send().await.unwrap()
}

async fn follow(shop: &TestShop, who: &Customer, id: &str, last: Option<&str>) -> Events {
    let response = connect(shop, who, id, last).await;
    assert_eq!(response.status(), 200);
    Events {
        response,
        text: String::new(),
    }
}

/// Somebody's order of a lamp.
async fn order(shop: &TestShop) -> (Customer, Customer, String) {
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    let order = shop.place_order(&ada, &[(&lamp, 1)]).await.expect(201);
    (admin, ada, order["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_history_is_told_and_then_what_happens_to_the_end() {
    let shop = TestShop::open().await;
    let (admin, ada, id) = order(&shop).await;
    shop.step_order(&admin, &id, "pay").await.expect(200);
    let mut events = follow(&shop, &ada, &id, None).await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(events.response.headers()[name], value);
    }
    for absent in ["content-encoding", "content-length"] {
        assert!(!events.response.headers().contains_key(absent), "{absent}");
    }
    assert!(events.response.headers().contains_key("x-request-id"));
    assert_eq!(events.name().await.as_deref(), Some("order.placed"));
    assert_eq!(events.name().await.as_deref(), Some("order.paid"));
    let mut of_admin = follow(&shop, &admin, &id, Some("2")).await;

    let reason = json!({ "reason": "changed\nmy mind" });
    let cancel = format!("/orders/{id}/cancel");
    let cancelled = shop.post_as(&ada, &cancel, &reason).await.expect(200);
    let told = Event {
        id: "3".to_owned(),
        event: "order.cancelled".to_owned(),
        data: json!({
            "order_id": id, "status": "cancelled", "at": cancelled["history"][2]["at"],
            "reason": "changed\nmy mind",
        }),
    };
    assert_eq!(events.next().await.as_ref(), Some(&told));
    assert_eq!(of_admin.next().await, Some(told));
    assert_eq!(events.next().await, None);
    assert_eq!(of_admin.next().await, None);
    shop.close().await;
}

#[tokio::test]
async fn a_client_goes_on_behind_what_it_has_seen() {
    let shop = TestShop::open().await;
    let (admin, ada, id) = order(&shop).await;
    for step in ["pay", "ship", "deliver"] {
        shop.step_order(&admin, &id, step).await.expect(200);
    }
    let all = [
        "order.placed",
        "order.paid",
        "order.shipped",
        "order.delivered",
    ];
    for (last, from) in [
        (Some("1"), 1),
        (Some("3"), 3),
        // Nobody knows what was seen; nothing may be left out.
        (None, 0),
        (Some("0"), 0),
        (Some("5"), 0),
        (Some("-1"), 0),
        (Some("nonsense"), 0),
        (Some(""), 0),
    ] {
        let mut events = follow(&shop, &ada, &id, last).await;
        let mut told = Vec::new();
        while let Some(event) = events.next().await {
            assert_eq!(event.id, (from + told.len() + 1).to_string());
            assert_eq!(event.data["order_id"], id);
            told.push(event.event);
        }
        assert_eq!(told, &all[from..], "{last:?}");
    }
    // There is nothing to come back for.
    let over = connect(&shop, &ada, &id, Some("4")).await;
    assert_eq!(over.status(), 204);
    shop.close().await;
}

#[tokio::test]
async fn only_who_may_read_an_order_may_follow_it() {
    let shop = TestShop::open().await;
    let (admin, _, id) = order(&shop).await;
    let bob = shop.customer("bob").await;
    let read = async |who: &Customer, id: &str| {
        let answer = connect(&shop, who, id, None).await;
        Answer::read(answer).await
    };
    read(&bob, &id).await.expect_problem(404, "not_found");
    for unknown in [Uuid::now_v7().to_string(), "7".to_owned()] {
        read(&admin, &unknown)
            .await
            .expect_problem(404, "not_found");
    }
    let nobody = shop.get(&format!("/orders/{id}/events")).await;
    nobody.expect_problem(401, "missing_token");
    let mut raw = Raw::connect(&shop).await;
    raw.send(format!(
        "HEAD /api/v1/orders/{id}/events HTTP/1.1\r\nhost: shop\r\n\
         authorization: Bearer {}\r\n\r\nGET /health/live HTTP/1.1\r\nhost: shop\r\n\r\n",
        admin.token
    ))
    .await;
    // The connection is free for the next request.
    assert_eq!(raw.head().await.status, 200);
    raw.answer().await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn what_another_replica_does_is_told_too() {
    let shop = TestShop::open().await;
    let (_, ada, id) = order(&shop).await;
    let replica = TestShop::open_on(shop.databases.clone(), Topology::default(), &[]).await;
    let mut events = follow(&shop, &ada, &id, Some("1")).await;
    replica.cancel_order(&ada, &id).await.expect(200);
    assert_eq!(events.name().await.as_deref(), Some("order.cancelled"));
    assert_eq!(events.next().await, None);
    replica.close().await;
    shop.close().await;
}

#[tokio::test]
async fn the_deadline_of_requests_is_none_of_a_stream() {
    let set = ["server.request_deadline_ms=3000"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let (admin, ada, id) = order(&shop).await;
    let mut events = follow(&shop, &ada, &id, Some("1")).await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    shop.step_order(&admin, &id, "pay").await.expect(200);
    assert_eq!(events.name().await.as_deref(), Some("order.paid"));
    shop.close().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_token() {
    let shop = TestShop::open().await;
    let (admin, ada, id) = order(&shop).await;
    let mut of_ada = follow(&shop, &ada, &id, Some("1")).await;
    let mut of_admin = follow(&shop, &admin, &id, Some("1")).await;
    let path = format!("/users/{}", ada.id);
    let locked = json!({ "is_active": false });
    shop.patch_as(&admin, &path, &locked).await.expect(200);
    assert_eq!(of_ada.next().await, None);
    // Nobody else's.
    shop.step_order(&admin, &id, "pay").await.expect(200);
    assert_eq!(of_admin.name().await.as_deref(), Some("order.paid"));
    shop.close().await;
}

#[tokio::test]
async fn streams_end_whole_when_the_process_does_and_do_not_keep_it() {
    let shop = TestShop::open().await;
    let (_, ada, id) = order(&shop).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut events = follow(&shop, &ada, &id, None).await;
        assert_eq!(events.name().await.as_deref(), Some("order.placed"));
        streams.push(events);
    }
    let start = std::time::Instant::now();
    let ends = async {
        for events in &mut streams {
            assert_eq!(events.next().await, None);
        }
    };
    tokio::join!(shop.close(), ends);
    // Far less than the grace that a request has.
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_user_has_so_many_streams_and_those_that_are_left_are_free_again() {
    let shop = TestShop::open().await;
    let (admin, ada, id) = order(&shop).await;
    let most = 64 * Topology::default().hosts(Module::Orders);
    let mut streams = Vec::new();
    let refused = loop {
        let answer = connect(&shop, &ada, &id, Some("1")).await;
        if answer.status() != 200 {
            break Answer::read(answer).await;
        }
        streams.push(answer);
        assert!(streams.len() <= most);
    };
    assert!(streams.len() >= 64);
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(429, "too_many_streams");
    follow(&shop, &admin, &id, Some("1")).await;
    drop(streams);
    // Seen at the second heartbeat, by each process on the way.
    within(
        Duration::from_secs(90),
        "who has left makes room",
        async || connect(&shop, &ada, &id, Some("1")).await.status() == 200,
    )
    .await;
    shop.close().await;
}
