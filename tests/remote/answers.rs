//! A peer whose answers cannot be read.

use crate::node::{balanced, reservations, send};
use crate::proxy::Mode;
use crate::split::Split;
use crate::support::eventually;
use reqwest::Method;

#[tokio::test]
async fn whatever_a_peer_says_the_client_hears_503() {
    let split = Split::without("products", &["modules.products.circuit_failures=10000"]).await;
    let front = &split.front;
    let modes = [
        Mode::Garbage,
        Mode::BadGateway,
        Mode::Truncate(1),
        Mode::Truncate(9),
        Mode::Truncate(40),
        Mode::ResetAfter(0),
        Mode::ResetAfter(40),
    ];
    for mode in modes {
        split.proxy.set(mode);
        let answer = front.get(&split.product_path()).await;
        assert_eq!(
            answer.header("retry-after"),
            Some("1"),
            "{mode:?}: {}",
            answer.text
        );
        answer.expect_problem(503, "unavailable");
        let answer = front.order(&split.buyer, &split.product, 1).await;
        assert_eq!(
            answer.header("retry-after"),
            Some("1"),
            "{mode:?}: {}",
            answer.text
        );
        answer.expect_problem(503, "unavailable");
        front.login(&split.buyer).await.expect(200);
    }
    split.proxy.set(Mode::Pass);
    front.get(&split.product_path()).await.expect(200);
    assert_eq!(front.orders(&split.buyer).await.len(), 0);
    balanced(&split.databases).await;
    split.close().await;
}

/// The head said that all is well: what follows must not pass for the whole.
#[tokio::test]
async fn half_an_answer_is_none() {
    let split = Split::without("products", &["modules.products.circuit_failures=10000"]).await;
    let front = &split.front;
    let whole = front.get(&split.product_path()).await;
    let length = whole.text.len();
    for mode in [Mode::Truncate(length + 50), Mode::ResetAfter(length + 50)] {
        split.proxy.set(mode);
        // Once the head is through; in between, the old connections go.
        let path = format!("/api/v1{}", split.product_path());
        match front.request(Method::GET, &path).send().await {
            Ok(answer) if answer.status() == 503 => {}
            Ok(answer) => {
                let text = answer.text().await;
                assert!(text.is_err(), "{mode:?}: {text:?}");
            }
            Err(error) => assert!(!error.is_timeout(), "{error:?}"),
        }
        // Calls have the whole answer or none.
        let answer = front.order(&split.buyer, &split.product, 1).await;
        assert!(
            [201, 503].contains(&answer.status.as_u16()),
            "{mode:?}: {}",
            answer.text
        );
    }
    split.proxy.set(Mode::Pass);
    eventually("all is well", async || {
        let path = format!("/api/v1{}", split.product_path());
        send(front.request(Method::GET, &path)).await.status == 200
    })
    .await;
    balanced(&split.databases).await;
    let orders = i64::try_from(front.orders(&split.buyer).await.len()).unwrap();
    assert_eq!(reservations(&split.databases).await, orders);
    split.close().await;
}
