//! Deadlines and the end of a process.

use std::time::{Duration, Instant};

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::net::TcpStream;

use crate::support::{Raw, TestShop, Topology, eventually};

/// Keeps every change of stock waiting until the connection commits.
async fn lock_stock(db: &mut PgConnection) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut transaction = db.begin().await.unwrap();
    sqlx::query("select from stock for update")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction
}

async fn somebody_waits(shop: &TestShop) {
    let mut db = shop.connect(Module::Products).await;
    eventually("a statement waits for a lock", async || {
        let waiting: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        waiting
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_503() {
    let set = ["server.request_deadline_ms=2000"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 1).await;
    let mut db = shop.connect(Module::Products).await;
    let lock = lock_stock(&mut db).await;

    let start = Instant::now();
    let late = shop
        .put_as(
            &admin,
            &format!("/products/{sofa}/stock"),
            &json!({ "on_hand": 2 }),
        )
        .await;
    assert!(start.elapsed() < Duration::from_secs(6));
    assert!(late.header("retry-after").is_some());
    late.expect_problem(503, "deadline_exceeded");

    lock.rollback().await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn a_stopping_process_finishes_what_is_under_way_and_takes_nothing_new() {
    let set = ["server.workers=4"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    // Every worker has opened connections that the others may use.
    join_all((0..60).map(|_| shop.get("/products"))).await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 1).await;
    let mut idle = Raw::connect(&shop).await;
    let ready = "GET /health/ready HTTP/1.1\r\nhost: shop\r\n\r\n";
    idle.send(ready).await;
    idle.answer().await.expect(200);

    let mut db = shop.connect(Module::Products).await;
    let lock = lock_stock(&mut db).await;
    let order = json!({ "items": [{ "product_id": sofa, "quantity": 1 }] });
    let order = shop
        .request(reqwest::Method::POST, "/api/v1/orders")
        .json(&order);
    let placing = tokio::spawn(order.bearer_auth(&admin.token).send());
    somebody_waits(&shop).await;

    let address = shop.address;
    let start = Instant::now();
    let stopping = tokio::spawn(shop.close());
    eventually("new connections are refused", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(!stopping.is_finished());

    lock.rollback().await.unwrap();
    assert_eq!(placing.await.unwrap().unwrap().status(), 201);
    stopping.await.unwrap();
    assert!(idle.is_closed().await);
    // A client that keeps an idle connection does not keep the process.
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}
