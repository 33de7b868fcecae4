//! `/webhooks` as operators and receivers know it.

mod attempts;
mod endpoints;
mod events;
mod refusals;

use cleave::settings::Module;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::{Customer, Receiver, TestShop, Topology, eventually};

/// The receivers of the tests are on this machine.
const PRIVATE: &str = "webhooks.allow_private_addresses=true";

async fn open() -> TestShop {
    TestShop::open_with(Topology::default(), &[PRIVATE]).await
}

/// A webhook: its path below `/api/v1`, and its secret.
async fn webhook(shop: &TestShop, admin: &Customer, body: &Value) -> (String, String) {
    let made = shop.post_as(admin, "/webhooks", body).await.expect(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (format!("/webhooks/{}", text("id")), text("secret"))
}

/// To a receiver, of everything.
async fn webhook_to(shop: &TestShop, admin: &Customer, to: &Receiver) -> (String, String) {
    webhook(shop, admin, &json!({ "url": to.url("/hook") })).await
}

/// A new order's path.
async fn order(shop: &TestShop, who: &Customer, product: &str) -> (String, Value) {
    let order = shop.place_order(who, &[(product, 1)]).await.expect(201);
    (order["id"].as_str().unwrap().to_owned(), order)
}

/// What is told of a webhook's deliveries, the newest first.
async fn log(shop: &TestShop, admin: &Customer, webhook: &str) -> Vec<Value> {
    let path = format!("{webhook}/deliveries?limit=100");
    let page = shop.get_as(admin, &path).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Waits until each of so many deliveries has this status.
async fn log_says(
    shop: &TestShop,
    admin: &Customer,
    webhook: &str,
    (number, status): (usize, &str),
) -> Vec<Value> {
    let mut found = Vec::new();
    eventually(&format!("{number} are {status}"), async || {
        found = log(shop, admin, webhook).await;
        found.len() == number && found.iter().all(|delivery| delivery["status"] == status)
    })
    .await;
    found
}

/// Time passes for deliveries that wait for minutes and more: neither for those under way, whose
/// leases are shorter, nor for a first repetition, which comes in seconds.
async fn let_wait(db: &mut PgConnection) {
    sqlx::raw_sql(
        "update webhook_deliveries set due_at = now()
         where due_at > now() + interval '2 minutes'",
    )
    .execute(db)
    .await
    .unwrap();
}

async fn orders(shop: &TestShop) -> PgConnection {
    shop.connect(Module::Orders).await
}
