//! The peer has worked, and its answer is lost.

use crate::node::{balanced, reservations};
use crate::split::Split;
use crate::support::eventually;

const RESERVE: &str = "POST /internal/products/v1/reserve ";
const HANDLE: &str = "POST /internal/products/v1/handle ";
/// More than are tried.
const ALL: usize = 10;

#[tokio::test]
async fn one_lost_answer_is_asked_for_again() {
    let split = Split::without("products", &[]).await;
    split.proxy.lose(RESERVE, 1);
    split
        .front
        .order(&split.buyer, &split.product, 3)
        .await
        .expect(201);
    assert!(!split.proxy.is_losing());
    assert!(split.proxy.seen(RESERVE) > 1);
    balanced(&split.databases).await;
    assert_eq!(split.front.orders(&split.buyer).await.len(), 1);
    assert_eq!(reservations(&split.databases).await, 1);
    split.close().await;
}

/// Nothing is configured to be repeated, and yet: the second answer says what became of the first.
#[tokio::test]
async fn a_lost_reservation_is_asked_for_without_retries_too() {
    let split = Split::without("products", &["modules.products.call_retries=0"]).await;
    split.proxy.lose(RESERVE, 1);
    split
        .front
        .order(&split.buyer, &split.product, 1)
        .await
        .expect(201);
    balanced(&split.databases).await;
    assert_eq!(reservations(&split.databases).await, 1);
    split.close().await;
}

#[tokio::test]
async fn when_every_answer_is_lost_nothing_stays_reserved() {
    let split = Split::without("products", &["modules.products.circuit_failures=100"]).await;
    split.proxy.lose(RESERVE, ALL);
    let answer = split.front.order(&split.buyer, &split.product, 3).await;
    answer.expect_problem(503, "unavailable");
    assert!(split.proxy.seen(RESERVE) > 1);
    assert_eq!(split.front.orders(&split.buyer).await.len(), 0);
    assert_eq!(reservations(&split.databases).await, 0);
    balanced(&split.databases).await;
    split.close().await;
}

#[tokio::test]
async fn the_same_key_finds_what_the_lost_answer_reserved() {
    let split = Split::without("products", &["modules.products.circuit_failures=100"]).await;
    let (front, buyer) = (&split.front, &split.buyer);
    split.proxy.lose(RESERVE, ALL);
    let answer = front.order_with_key(buyer, "lost", &split.product).await;
    answer.expect_problem(503, "unavailable");
    assert_eq!(reservations(&split.databases).await, 1);
    split.proxy.lose(RESERVE, 0);
    front
        .order_with_key(buyer, "lost", &split.product)
        .await
        .expect(201);
    front
        .order_with_key(buyer, "lost", &split.product)
        .await
        .expect(200);
    balanced(&split.databases).await;
    assert_eq!(front.orders(buyer).await.len(), 1);
    assert_eq!(reservations(&split.databases).await, 1);
    split.close().await;
}

#[tokio::test]
async fn an_event_whose_acceptance_is_lost_has_its_effect_once() {
    let split = Split::without("products", &["modules.products.circuit_failures=100"]).await;
    split.proxy.lose(HANDLE, 4);
    let order = split
        .front
        .order(&split.buyer, &split.product, 3)
        .await
        .expect(201);
    eventually("the answers are lost", async || !split.proxy.is_losing()).await;
    balanced(&split.databases).await;
    assert!(split.proxy.seen(HANDLE) > 4);

    split.proxy.lose(HANDLE, 4);
    let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let cancelled = split
        .front
        .post_as(&split.buyer, &path, &serde_json::json!({}))
        .await;
    cancelled.expect(200);
    balanced(&split.databases).await;
    let product = split.front.get(&split.product_path()).await.expect(200);
    assert_eq!(product["stock"]["on_hand"], 100_000, "{product}");
    assert_eq!(product["stock"]["reserved"], 0, "{product}");
    split.close().await;
}
