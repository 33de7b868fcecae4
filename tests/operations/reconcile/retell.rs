//! Products being told again, while the order goes on.

use cleave::settings::Module;
use serde_json::json;

use crate::support::{Blocker, TestShop};

#[tokio::test]
async fn a_shipment_that_waited_for_the_row_sees_what_products_has_yet_to_hear() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let placed = shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    let id = placed["id"].as_str().unwrap();
    shop.step_order(&admin, id, "pay").await.expect(200);
    shop.expect_balanced_books().await;
    let reservation: uuid::Uuid = sqlx::query_scalar("select reservation_id from orders")
        .fetch_one(&mut shop.connect(Module::Orders).await)
        .await
        .unwrap();
    let event = json!({
        "id": uuid::Uuid::now_v7(), "occurred_at": "2026-01-01T00:00:00Z", "type": "order.placed.v1",
        "data": { "order_id": id, "reservation_id": reservation, "lines": [{ "product_id": lamp, "quantity": 1 }] },
    });
    // As it is told again, only later.
    let retell = format!(
        "select from orders where id = '{id}' for update;
         insert into outbox (event_id, subscriber, aggregate_id, event, due_at)
         values (gen_random_uuid(), 'products', '{id}', '{event}', now() + '1 h')"
    );
    let mut lock = Blocker::hold(shop.databases.of(Module::Orders), &retell).await;
    let shipping = shop.step_order(&admin, id, "ship");
    let telling = async {
        lock.victims(1).await;
        lock.release().await;
    };
    let (shipped, ()) = tokio::join!(shipping, telling);
    shipped.expect_problem(503, "unavailable");
    assert_eq!(shop.stock(&lamp).await, (10, 1, 9));

    sqlx::query("update outbox set due_at = now()")
        .execute(&mut shop.connect(Module::Orders).await)
        .await
        .unwrap();
    shop.expect_balanced_books().await;
    shop.step_order(&admin, id, "ship").await.expect(200);
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&lamp).await, (9, 0, 9));
    shop.close().await;
}
