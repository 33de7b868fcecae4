//! Of orders, carts and those who are told of them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::tour::Tour;
use crate::support::{Customer, eventually};

pub async fn orders(tour: &mut Tour, ada: &Customer, product: &str) {
    let order = |quantity: i64| json!({ "items": [{ "product_id": product, "quantity": quantity }], "note": "ring twice" });
    let place = "POST /orders";
    let placed = tour.ask(Some(ada), place, order(2)).await.expect(201);
    tour.ask(Some(ada), place, order(1_000)).await.expect(409);
    tour.ask(Some(ada), place, order(0)).await.expect(422);
    tour.ask(None, place, order(1)).await.expect(401);
    let id = placed["id"].as_str().unwrap();
    tour.ask(Some(ada), "GET /orders?limit=5", Value::Null)
        .await
        .expect(200);
    let read = format!("GET /orders/{{id={id}}}");
    tour.ask(Some(ada), &read, Value::Null).await.expect(200);
    let unknown = format!("GET /orders/{{id={product}}}");
    tour.ask(Some(ada), &unknown, Value::Null).await.expect(404);
    let cancel = format!("POST /orders/{{id={id}}}/cancel");
    tour.ask(Some(ada), &cancel, json!({ "reason": "no room" }))
        .await
        .expect(200);
    tour.ask(Some(ada), &read, Value::Null).await.expect(200);
    let events = format!("GET /orders/{{id={id}}}/events");
    // It is at its end, and so are its events.
    for (who, code) in [(None, 401), (Some(ada), 200)] {
        let answer = tour.ask(who, &events, Value::Null).await;
        assert_eq!(answer.status, code);
    }
    cart(tour, ada, product).await;
}

async fn cart(tour: &mut Tour, ada: &Customer, product: &str) {
    let line = format!("PUT /cart/items/{{product_id={product}}}");
    let out = format!("DELETE /cart/items/{{product_id={product}}}");
    let quantity = |quantity: i64| json!({ "quantity": quantity });
    for (call, body, status) in [
        ("GET /cart", Value::Null, 200),
        ("POST /cart/checkout", Value::Null, 409),
        (&*line, quantity(2), 200),
        (&line, quantity(-1), 422),
        ("GET /cart", Value::Null, 200),
        ("POST /cart/checkout", json!({ "note": "soon" }), 201),
        (&line, quantity(1_000_000), 200),
        ("POST /cart/checkout", json!({}), 409),
        (&out, Value::Null, 200),
        ("DELETE /cart", Value::Null, 200),
    ] {
        tour.ask(Some(ada), call, body).await.expect(status);
    }
    let nobody = format!("PUT /cart/items/{{product_id={}}}", Uuid::now_v7());
    tour.ask(Some(ada), &nobody, quantity(1)).await.expect(422);
    tour.ask(None, "GET /cart", Value::Null).await.expect(401);
}

pub async fn webhook(tour: &mut Tour, admin: &Customer) -> String {
    let make = "POST /webhooks";
    let body = json!({ "url": "https://shop.invalid/", "events": ["order.paid", "order.placed"] });
    let made = tour.ask(Some(admin), make, body).await.expect(201);
    let all = json!({ "url": "https://shop.invalid/" });
    tour.ask(Some(admin), make, all).await.expect(201);
    let inside = json!({ "url": "https://10.0.0.1/" });
    tour.ask(Some(admin), make, inside).await.expect(422);
    let id = made["id"].as_str().unwrap().to_owned();
    for (call, status) in [
        ("GET /webhooks?limit=1".to_owned(), 200),
        (format!("GET /webhooks/{{id={id}}}"), 200),
        (format!("GET /webhooks/{{id={}}}", admin.id), 404),
    ] {
        let answer = tour.ask(Some(admin), &call, Value::Null).await;
        answer.expect(status);
    }
    id
}

/// One of which was tried.
pub async fn deliveries(tour: &mut Tour, admin: &Customer, webhook: &str) {
    let list = format!("GET /webhooks/{{id={webhook}}}/deliveries");
    eventually("a delivery was tried", async || {
        let page = tour.ask(Some(admin), &list, Value::Null).await.expect(200);
        let mut items = page["items"].as_array().unwrap().iter();
        items.any(|item| item["attempts"][0]["error"].is_string())
    })
    .await;
    let delete = format!("DELETE /webhooks/{{id={webhook}}}");
    for status in [204, 404] {
        let answer = tour.ask(Some(admin), &delete, Value::Null).await;
        answer.expect(status);
    }
    let gone = tour.ask(Some(admin), &list, Value::Null).await;
    gone.expect(404);
}

pub async fn steps(tour: &mut Tour, admin: &Customer, ada: &Customer, product: &str) {
    let order = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
    let placed = tour.ask(Some(ada), "POST /orders", order).await.expect(201);
    let id = placed["id"].as_str().unwrap();
    let call = |step: &str| format!("POST /orders/{{id={id}}}/{step}");
    let reference = json!({ "reference": "No. 7" });
    for step in ["pay", "ship", "deliver"] {
        let next = call(step);
        for (who, code) in [(None, 401), (Some(ada), 403), (Some(admin), 200)] {
            let answer = tour.ask(who, &next, reference.clone()).await;
            answer.expect(code);
        }
        let wrong = json!({ "reference": "" });
        tour.ask(Some(admin), &next, wrong).await.expect(422);
        let unknown = format!("POST /orders/{{id={product}}}/{step}");
        tour.ask(Some(admin), &unknown, Value::Null)
            .await
            .expect(404);
    }
    for step in ["pay", "ship", "cancel"] {
        let late = tour.ask(Some(admin), &call(step), Value::Null).await;
        late.expect(409);
    }
}
