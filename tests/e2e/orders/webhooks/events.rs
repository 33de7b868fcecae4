use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{log_says, open, order, orders, webhook, webhook_to};
use crate::support::{Receiver, TestShop, eventually};

/// Types by webhook-id, each of which came once.
fn once_each(receiver: &Receiver, secret: &str) -> BTreeSet<(String, String)> {
    let told = receiver.notices().into_iter().map(|notice| {
        let event = notice.verified(secret);
        let order = event["data"]["id"].as_str().unwrap().to_owned();
        (order, event["type"].as_str().unwrap().to_owned())
    });
    let told: Vec<_> = told.collect();
    let different: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(different.len(), told.len(), "{told:?}");
    different
}

#[tokio::test]
async fn each_step_of_an_order_is_told_once_signed_as_the_order_stood() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let ada = shop.customer("ada").await;
    let receiver = Receiver::open().await;
    let (path, secret) = webhook_to(&shop, &admin, &receiver).await;

    let (id, placed) = order(&shop, &ada, &sofa).await;
    let mut stood = vec![("order.placed", placed)];
    for (step, event) in [
        ("pay", "order.paid"),
        ("ship", "order.shipped"),
        ("deliver", "order.delivered"),
    ] {
        for _ in 0..2 {
            let order = shop.step_order(&admin, &id, step).await.expect(200);
            stood.push((event, order));
        }
        stood.pop();
    }
    let (id, order) = order(&shop, &ada, &sofa).await;
    stood.push(("order.placed", order));
    let cancelled = shop.cancel_order(&ada, &id).await.expect(200);
    shop.cancel_order(&ada, &id).await.expect(200);
    stood.push(("order.cancelled", cancelled));

    receiver.heard(stood.len()).await;
    let log = log_says(&shop, &admin, &path, (stood.len(), "delivered")).await;
    assert_eq!(once_each(&receiver, &secret).len(), stood.len());
    for notice in receiver.notices() {
        let event = notice.verified(&secret);
        assert_eq!(notice.path, "/hook");
        assert_eq!(notice.header("content-type"), "application/json");
        let is_it = |(word, order): &&(&str, Value)| {
            event["type"] == *word && event["data"]["id"] == order["id"]
        };
        let (_, order) = stood.iter().find(is_it).unwrap();
        assert_eq!(event["data"], *order);
        assert_eq!(event["timestamp"], order["updated_at"]);
        let id = notice.header("webhook-id");
        let delivery = log.iter().find(|delivery| delivery["id"] == id).unwrap();
        assert_eq!(delivery["type"], event["type"]);
        assert_eq!(delivery["order_id"], order["id"]);
        assert_eq!(delivery["next_attempt_at"], Value::Null);
        let attempts = delivery["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0]["status_code"], 204);
        assert_eq!(attempts[0]["error"], Value::Null);
        assert!(attempts[0]["duration_ms"].is_u64() && attempts[0]["at"].is_string());
    }
    shop.close().await;
}

#[tokio::test]
async fn who_asked_for_some_events_is_told_of_those() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let (some, all) = (Receiver::open().await, Receiver::open().await);
    let wanted = json!({
        "url": some.url("/?shop=1"),
        "events": ["order.cancelled", "order.paid", "order.paid"],
    });
    let (_, secret_of_some) = webhook(&shop, &admin, &wanted).await;
    let (_, secret_of_all) = webhook_to(&shop, &admin, &all).await;
    assert_ne!(secret_of_some, secret_of_all);
    let (id, _) = order(&shop, &admin, &sofa).await;
    shop.step_order(&admin, &id, "pay").await.expect(200);
    shop.step_order(&admin, &id, "cancel").await.expect(200);
    all.heard(3).await;
    some.heard(2).await;
    let told = once_each(&some, &secret_of_some);
    let told: Vec<&str> = told.iter().map(|(_, event)| event.as_str()).collect();
    assert_eq!(told, ["order.cancelled", "order.paid"]);
    assert_eq!(some.notices()[0].path, "/?shop=1");
    assert_eq!(once_each(&all, &secret_of_all).len(), 3);
    shop.close().await;
}

#[tokio::test]
async fn what_the_shop_does_itself_is_told_too() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::open().await;
    let (_, secret) = webhook_to(&shop, &admin, &receiver).await;
    let (id, _) = order(&shop, &admin, &sofa).await;
    shop.let_wait(&id, 31).await;
    receiver.heard(2).await;
    let told = once_each(&receiver, &secret);
    assert!(told.contains(&(id.clone(), "order.cancelled".to_owned())));
    let events = receiver.notices().into_iter().map(|notice| notice.json());
    let cancelled = events.filter(|event| event["type"] == "order.cancelled");
    for event in cancelled {
        let reason = &event["data"]["history"][1]["reason"];
        assert_eq!(*reason, "payment_window_expired");
    }
    shop.close().await;
}

#[tokio::test]
async fn replicas_tell_a_backlog_once() {
    let shop = open().await;
    let set = [super::PRIVATE];
    let replica = TestShop::open_on(shop.databases.clone(), Default::default(), &set).await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 1_000).await;
    let receiver = Receiver::open().await;
    let (path, secret) = webhook_to(&shop, &admin, &receiver).await;
    for _ in 0..40 {
        shop.place_order(&admin, &[(&sofa, 1)]).await.expect(201);
    }
    log_says(&shop, &admin, &path, (40, "delivered")).await;
    assert_eq!(once_each(&receiver, &secret).len(), 40);
    replica.close().await;
    shop.close().await;
}

#[tokio::test]
async fn a_late_attempt_tells_the_same_but_for_what_was_erased() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let ada = shop.customer("ada").await;
    let receiver = Receiver::answering({
        let mut answers = vec![204, 500, 500];
        move |_| crate::support::Reply::Status(answers.pop().unwrap_or(204))
    })
    .await;
    let placed_only = json!({ "url": receiver.url("/"), "events": ["order.placed"] });
    let (path, secret) = webhook(&shop, &admin, &placed_only).await;
    let body = json!({ "items": [{ "product_id": sofa, "quantity": 1 }], "note": "to Ada" });
    let order = shop.post_as(&ada, "/orders", &body).await.expect(201);
    let first = receiver.heard(2).await[0].verified(&secret);
    assert_eq!(first["data"], order);
    let id = order["id"].as_str().unwrap();
    shop.step_order(&admin, id, "pay").await.expect(200);
    shop.delete_as(&ada, "/users/me").await.expect(204);
    let mut db = orders(&shop).await;
    eventually("the note is erased", async || {
        let note: Option<String> = sqlx::query_scalar("select note from orders")
            .fetch_one(&mut db)
            .await
            .unwrap();
        note.is_none()
    })
    .await;
    eventually("another attempt is made", async || {
        super::let_wait(&mut db).await;
        receiver.notices().len() == 3
    })
    .await;
    let late = receiver.notices()[2].verified(&secret);
    let mut expected = first;
    expected["data"]["note"] = Value::Null;
    assert_eq!(late, expected);
    log_says(&shop, &admin, &path, (1, "delivered")).await;
    shop.close().await;
}
