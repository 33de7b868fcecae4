use serde_json::{Value, json};

use super::{Tour, bare};
use crate::support::Customer;

const ORDERS: &str = "/api/v1/orders";
const PLACE: &str = "POST /api/v1/orders";

pub async fn visit(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer, product: &str) {
    let order = |quantity: i64| json!({ "items": [{ "product_id": product, "quantity": quantity }], "note": "Ring twice" });
    let placed = place(tour, ada, &order).await;
    refusals(tour, ada, &order).await;
    read(tour, admin, ada, &placed).await;
    cancel(tour, admin, ada, &placed).await;
    steps(tour, admin, ada, &order(1)).await;
    tour.shop.expect_balanced_books().await;
    tour.get(None, &format!("/api/v1/products/{product}")).await;
}

/// Returns the path of an order.
async fn place(tour: &mut Tour<'_>, ada: &Customer, order: &impl Fn(i64) -> Value) -> String {
    let placed = tour.send(Some(ada), PLACE, &order(2)).await;
    for (key, quantity) in [("one", 1), ("one", 1), ("one", 2), ("", 1), ("a\tb", 1)] {
        tour.ask(PLACE, &|request| {
            let request = request.bearer_auth(&ada.token);
            let request = request.header("idempotency-key", key);
            request.json(&order(quantity))
        })
        .await;
    }
    format!("{ORDERS}/{}", placed["id"].as_str().unwrap())
}

async fn refusals(tour: &mut Tour<'_>, ada: &Customer, order: &impl Fn(i64) -> Value) {
    let unknown = "0198c5a0-0000-7000-8000-000000000000";
    let unknown = json!({ "items": [{ "product_id": unknown, "quantity": 1 }] });
    for body in [
        order(1_000),
        order(0),
        unknown,
        json!({ "items": [] }),
        json!({ "items": "all", "total": 0 }),
        json!({ "items": [], "note": "x".repeat(9_000) }),
    ] {
        tour.send(Some(ada), PLACE, &body).await;
    }
    tour.send(None, PLACE, &order(1)).await;
    tour.ask(PLACE, &|r| r.bearer_auth(&ada.token)).await;
    tour.ask(PLACE, &|r| r.bearer_auth(&ada.token).body("items"))
        .await;
}

async fn read(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer, placed: &str) {
    for who in [ada, admin] {
        tour.get(Some(who), placed).await;
        tour.get(Some(who), ORDERS).await;
        tour.get(Some(who), &format!("{ORDERS}?user_id={}", admin.id))
            .await;
    }
    tour.ask(&format!("HEAD {placed}"), &|r| r.bearer_auth(&ada.token))
        .await;
    let first = tour.get(Some(ada), &format!("{ORDERS}?limit=1")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    tour.get(Some(ada), &format!("{ORDERS}?limit=1&cursor={cursor}"))
        .await;
    let elsewhere = format!("/api/v1/products?cursor={cursor}");
    tour.get(None, &elsewhere).await;
    for path in [
        "?status=lost",
        "?limit=101",
        "/7",
        "/0198c5a0-0000-7000-8000-000000000000",
    ] {
        tour.get(Some(ada), &format!("{ORDERS}{path}")).await;
    }
    tour.get(None, placed).await;
}

async fn cancel(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer, placed: &str) {
    let call = format!("POST {placed}/cancel");
    tour.ask(&call, &bare).await;
    tour.send(Some(ada), &call, &json!({ "reasons": "none" }))
        .await;
    for who in [ada, admin] {
        let body = json!({ "reason": "No room" });
        tour.send(Some(who), &call, &body).await;
    }
    tour.ask(&call, &|r| r.bearer_auth(&ada.token)).await;
    for status in ["placed", "cancelled"] {
        tour.get(Some(ada), &format!("{ORDERS}?status={status}"))
            .await;
    }
}

async fn steps(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer, order: &Value) {
    let placed = tour.send(Some(ada), PLACE, order).await;
    let path = format!("{ORDERS}/{}", placed["id"].as_str().unwrap());
    for step in ["ship", "pay", "deliver", "ship", "deliver", "pay", "cancel"] {
        // Whether the stock is confirmed in time is a matter of luck.
        tour.shop.expect_balanced_books().await;
        let call = format!("POST {path}/{step}");
        tour.ask(&call, &bare).await;
        for body in [json!({ "reference": "No. 7" }), json!({ "reference": "" })] {
            for who in [ada, admin] {
                tour.send(Some(who), &call, &body).await;
            }
        }
        tour.ask(&call, &|r| r.bearer_auth(&admin.token)).await;
    }
    tour.get(Some(ada), &path).await;
}
