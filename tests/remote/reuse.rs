//! Connections that are closed at the moment they are used again.

use crate::node::{balanced, product, reservations};
use crate::proxy::Mode;
use crate::split::Split;

const TIMES: i64 = 40;

#[tokio::test]
async fn a_connection_that_closes_when_it_is_used_again_costs_no_read_and_no_call() {
    let split = Split::without("products", &[]).await;
    let front = &split.front;
    split.proxy.set(Mode::OneAnswer).await;
    for _ in 0..TIMES {
        front.get(&split.product_path()).await.expect(200);
        front
            .order(&split.buyer, &split.product, 1)
            .await
            .expect(201);
    }
    assert_eq!(front.topology("products").await["circuit"], "closed");
    balanced(&split.databases).await;
    assert_eq!(reservations(&split.databases).await, TIMES);
    split.close().await;
}

/// Nobody can know whether the peer has seen it, so it is not sent again.
#[tokio::test]
async fn a_write_on_such_a_connection_is_answered_in_an_orderly_way() {
    let split = Split::without("products", &[]).await;
    let front = &split.front;
    split.proxy.set(Mode::OneAnswer).await;
    let mut made = 0;
    for number in 0..TIMES {
        let body = product(&format!("SKU-{number}"), 1);
        let answer = front.post_as(&split.admin, "/products", &body).await;
        match answer.status.as_u16() {
            201 => made += 1,
            _ => {
                answer.expect_problem(503, "unavailable");
            }
        }
    }
    println!("{made} of {TIMES} writes went through");
    assert!(made > 0);
    split.close().await;
}
