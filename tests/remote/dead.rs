//! A peer that is not there.

use crate::node::{balanced, reservations};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::{Answer, eventually};

#[track_caller]
fn expect_unavailable(answer: Answer) {
    assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.text);
    answer.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn without_products_orders_are_refused_and_all_else_goes_on() {
    let split = Split::without("products", &[]).await;
    let (front, buyer) = (&split.front, &split.buyer);
    let before = front.order(buyer, &split.product, 1).await.expect(201);

    for mode in [Mode::Refuse, Mode::Reset] {
        split.proxy.set(mode).await;
        for _ in 0..8 {
            expect_unavailable(front.get(&split.product_path()).await);
            expect_unavailable(front.order(buyer, &split.product, 1).await);
        }
        front.login(buyer).await.expect(200);
        let path = format!("/orders/{}", before["id"].as_str().unwrap());
        front.get_as(buyer, &path).await.expect(200);
        assert_eq!(front.orders(buyer).await.len(), 1);
        let health = front.health("/health").await.expect(200);
        assert_eq!(health["status"], "degraded", "{health}");
        assert_eq!(health["modules"]["users"]["status"], "healthy", "{health}");
        assert_eq!(
            health["modules"]["products"]["status"], "unhealthy",
            "{health}"
        );
        assert_eq!(
            health["modules"]["orders"]["status"], "degraded",
            "{health}"
        );
        front.health("/health/ready").await.expect(200);
        let products = front.health("/health/products").await.expect(503);
        assert_eq!(products["database"]["status"], "unhealthy", "{products}");

        split.proxy.set(Mode::Pass).await;
        eventually("products are back", async || {
            front.get(&split.product_path()).await.status == 200
        })
        .await;
    }
    front.order(buyer, &split.product, 1).await.expect(201);
    balanced(&split.databases).await;
    assert_eq!(reservations(&split.databases).await, 2);
    split.close().await;
}

#[tokio::test]
async fn without_users_the_shop_window_stays_open() {
    let split = Split::without("users", &[]).await;
    split.proxy.set(Mode::Refuse).await;
    let (front, buyer) = (&split.front, &split.buyer);
    front.get(&split.product_path()).await.expect(200);
    expect_unavailable(front.login(buyer).await);
    // Nobody has asked for this account yet, so nobody can say that it stands.
    expect_unavailable(front.get_as(buyer, "/orders").await);
    expect_unavailable(front.order(buyer, &split.product, 1).await);

    split.proxy.set(Mode::Pass).await;
    eventually("users are back", async || {
        front.order(buyer, &split.product, 1).await.status == 201
    })
    .await;
    balanced(&split.databases).await;
    split.close().await;
}

#[tokio::test]
async fn without_orders_the_rest_sells_on() {
    let split = Split::without("orders", &[]).await;
    let (front, buyer) = (&split.front, &split.buyer);
    front.order(buyer, &split.product, 1).await.expect(201);
    split.proxy.set(Mode::Refuse).await;
    expect_unavailable(front.order(buyer, &split.product, 1).await);
    expect_unavailable(front.get_as(buyer, "/orders").await);
    front.get(&split.product_path()).await.expect(200);
    front.login(buyer).await.expect(200);
    split.proxy.set(Mode::Pass).await;
    eventually("orders are back", async || {
        front.order(buyer, &split.product, 1).await.status == 201
    })
    .await;
    balanced(&split.databases).await;
    split.close().await;
}
