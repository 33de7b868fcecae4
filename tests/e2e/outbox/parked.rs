use cleave::settings::Module;
use serde_json::json;
use uuid::Uuid;

use crate::support::{TestShop, eventually};

#[tokio::test]
async fn an_event_that_nobody_understands_is_parked_and_blocks_only_its_order() {
    let attempts = ["events.max_attempts=2"];
    let shop = TestShop::open_with(Default::default(), &attempts).await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let mut orders = shop.connect(Module::Orders).await;
    let aggregate = Uuid::now_v7();
    let cancelled = json!({
        "id": Uuid::now_v7(), "occurred_at": "2026-01-01T00:00:00Z", "type": "order.cancelled.v1",
        "data": { "order_id": aggregate, "reservation_id": Uuid::now_v7() },
    });
    // One from the future, and behind it one that could be delivered.
    for event in [json!({ "type": "order.teleported.v9" }), cancelled] {
        sqlx::query(
            "insert into outbox (event_id, subscriber, aggregate_id, event)
             values ($1, 'products', $2, $3)",
        )
        .bind(Uuid::now_v7())
        .bind(aggregate)
        .bind(event)
        .execute(&mut orders)
        .await
        .unwrap();
    }
    eventually("the first is parked", async || {
        let parked: i64 =
            sqlx::query_scalar("select count(*) from outbox where parked_at is not null")
                .fetch_one(&mut orders)
                .await
                .unwrap();
        parked == 1
    })
    .await;
    shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    eventually("other orders' events pass", async || {
        shop.reservations("allocated").await == 1
    })
    .await;

    let rows: Vec<(i32, bool, Option<String>)> = sqlx::query_as(
        "select attempts, parked_at is not null, last_error from outbox
         where aggregate_id = $1 order by id",
    )
    .bind(aggregate)
    .fetch_all(&mut orders)
    .await
    .unwrap();
    let (attempts, parked, reason) = &rows[0];
    assert_eq!((*attempts, *parked), (2, true));
    let reason = reason.as_deref().unwrap();
    assert!(reason.contains("not an event"), "{reason}");
    assert_eq!(rows[1..], [(0, false, None)], "what comes behind it waits");

    // Once an operator has made room for it, the next one follows.
    sqlx::query("delete from outbox where parked_at is not null")
        .execute(&mut orders)
        .await
        .unwrap();
    eventually("the other is delivered", async || {
        shop.reservations("closed").await == 1
    })
    .await;
    shop.close().await;
}
