//! What operators see of events that wait, and what they do about parked ones.

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::{Answer, Customer, TestDatabases, TestShop, Topology, eventually};

const FEW_ATTEMPTS: [&str; 1] = ["events.max_attempts=2"];

/// Products fails at every event, until [`mend`].
async fn ruin(products: &mut PgConnection) {
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as
           $$ begin raise exception 'the disk is odd'; end $$;
         create trigger refuse before insert on inbox
           for each row execute function refuse();",
    )
    .execute(products)
    .await
    .unwrap();
}

async fn mend(products: &mut PgConnection) {
    sqlx::raw_sql("drop trigger refuse on inbox")
        .execute(products)
        .await
        .unwrap();
}

async fn of_products(shop: &TestShop) -> Value {
    let events = shop.ops(Method::GET, "/ops/events").await.expect(200);
    events["modules"]["orders"]["subscribers"]["products"].clone()
}

async fn parked(shop: &TestShop, query: &str) -> Answer {
    shop.ops(Method::GET, &format!("/ops/events/orders/parked{query}"))
        .await
}

/// Orders whose events are parked.
async fn orders_that_park(shop: &TestShop, admin: &Customer, number: usize) -> Vec<String> {
    let lamp = shop.product(admin, "LAMP", 1_999, 100).await;
    let mut ids = Vec::new();
    for _ in 0..number {
        let order = shop.place_order(admin, &[(&lamp, 1)]).await.expect(201);
        ids.push(order["id"].as_str().unwrap().to_owned());
    }
    eventually("they are parked", async || {
        of_products(shop).await["parked"] == number
    })
    .await;
    ids
}

#[tokio::test]
async fn a_parked_event_is_shown_with_its_reason_and_replayed() {
    let shop = TestShop::open_with(Topology::default(), &FEW_ATTEMPTS).await;
    let admin = shop.admin().await;
    let mut products = shop.connect(Module::Products).await;
    ruin(&mut products).await;
    let orders = orders_that_park(&shop, &admin, 3).await;
    let seen = of_products(&shop).await;
    assert_eq!(
        seen,
        json!({ "pending": 0, "oldest_seconds": null, "parked": 3, "address": "local" })
    );

    let first = parked(&shop, "?limit=2").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = parked(&shop, &format!("?limit=2&cursor={cursor}")).await;
    let rest = rest.expect(200);
    assert_eq!(rest["next_cursor"], Value::Null);
    let rows: Vec<&Value> = [&first, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .collect();
    let ids: Vec<&Value> = rows.iter().map(|row| &row["aggregate_id"]).collect();
    assert_eq!(ids, orders.iter().collect::<Vec<_>>());
    for row in &rows {
        assert_eq!(
            (&row["type"], &row["subscriber"]),
            (&json!("order.placed.v1"), &json!("products"))
        );
        assert_eq!(
            (&row["attempts"], &row["event"]["id"]),
            (&json!(2), &row["event_id"])
        );
        assert!(
            row["last_error"].is_string() && row["parked_at"].is_string(),
            "{row}"
        );
    }
    parked(&shop, "?limit=0").await.expect_invalid("limit");
    parked(&shop, "?cursor=!").await.expect_invalid("cursor");

    mend(&mut products).await;
    let replay = format!("/ops/events/orders/parked/{}/replay", rows[1]["id"]);
    let row = shop.ops(Method::POST, &replay).await.expect(200);
    assert_eq!((&row["id"], &row["attempts"]), (&rows[1]["id"], &json!(0)));
    assert_eq!(row["parked_at"], Value::Null);
    eventually("it has its effect", async || {
        shop.reservations("allocated").await == 1
    })
    .await;
    let again = shop.ops(Method::POST, &replay).await;
    again.expect_problem(404, "not_found");

    let all = shop
        .ops(Method::POST, "/ops/events/orders/parked/replay")
        .await;
    assert_eq!(all.expect(200), json!({ "replayed": 2 }));
    shop.expect_balanced_books().await;
    assert_eq!(of_products(&shop).await["parked"], 0);
    let none = shop
        .ops(Method::POST, "/ops/events/orders/parked/replay")
        .await;
    assert_eq!(none.expect(200), json!({ "replayed": 0 }));
    shop.close().await;
}

#[tokio::test]
async fn a_parked_event_is_replayed_by_any_replica() {
    let databases = TestDatabases::create().await;
    let one = TestShop::open_on(databases.clone(), Topology::default(), &FEW_ATTEMPTS).await;
    let two = TestShop::open_on(databases, Topology::default(), &FEW_ATTEMPTS).await;
    let admin = one.admin().await;
    let mut products = one.connect(Module::Products).await;
    ruin(&mut products).await;
    let orders = orders_that_park(&one, &admin, 20).await;
    for order in &orders[..5] {
        one.cancel_order(&admin, order).await.expect(200);
    }
    mend(&mut products).await;
    let all = two
        .ops(Method::POST, "/ops/events/orders/parked/replay")
        .await;
    assert_eq!(all.expect(200), json!({ "replayed": 20 }));
    one.expect_balanced_books().await;
    assert_eq!(one.reservations("allocated").await, 15);
    assert_eq!(one.reservations("closed").await, 5);
    two.close().await;
    one.close().await;
}

/// Trying again shortly would not help.
#[tokio::test]
async fn a_parked_order_says_whom_it_waits_for() {
    let shop = TestShop::open_with(Topology::default(), &FEW_ATTEMPTS).await;
    let admin = shop.admin().await;
    let mut products = shop.connect(Module::Products).await;
    ruin(&mut products).await;
    let order = &orders_that_park(&shop, &admin, 1).await[0];
    let step = |step| format!("/orders/{order}/{step}");
    shop.post_as(&admin, &step("pay"), &json!({}))
        .await
        .expect(200);
    let refused = shop.post_as(&admin, &step("ship"), &json!({})).await;
    let detail = refused.expect_problem(503, "unavailable")["detail"].to_string();
    assert!(detail.contains("operator"), "{detail}");

    mend(&mut products).await;
    let all = shop
        .ops(Method::POST, "/ops/events/orders/parked/replay")
        .await;
    all.expect(200);
    shop.expect_balanced_books().await;
    shop.post_as(&admin, &step("ship"), &json!({}))
        .await
        .expect(200);
    shop.close().await;
}

#[tokio::test]
async fn operators_alone_are_told_and_only_of_what_is_here() {
    let shop = TestShop::open().await;
    let mut users = shop.connect(Module::Users).await;
    sqlx::query(
        "insert into outbox (event_id, subscriber, aggregate_id, event)
         values ($1, 'stream', $1, '{}'), ($1, 'nobody', $1, '{}')",
    )
    .bind(Uuid::now_v7())
    .execute(&mut users)
    .await
    .unwrap();
    let events = shop.ops(Method::GET, "/ops/events").await.expect(200);
    let modules = events["modules"].as_object().unwrap();
    assert_eq!(
        modules.keys().collect::<Vec<_>>(),
        ["orders", "products", "users"]
    );
    assert_eq!(modules["products"]["subscribers"], json!({}));
    let none = shop.ops(Method::GET, "/ops/events/products/parked").await;
    let none = none.expect(200);
    assert_eq!(none, json!({ "items": [], "next_cursor": null }));
    let path = "/ops/events/products/parked/replay";
    let none = shop.ops(Method::POST, path).await.expect(200);
    assert_eq!(none["replayed"], 0);
    let users = &events["modules"]["users"]["subscribers"];
    assert_eq!(users["orders"]["address"], "local");
    for subscriber in ["stream", "nobody"] {
        let waiting = &users[subscriber];
        assert_eq!(
            (&waiting["address"], &waiting["pending"]),
            (&json!("none"), &json!(1))
        );
        assert!(waiting["oldest_seconds"].as_f64() >= Some(0.0));
    }
    for (method, path) in [
        (Method::GET, "/ops/events/shop/parked"),
        (Method::POST, "/ops/events/orders/parked/4711/replay"),
        (Method::POST, "/ops/events/orders/parked/x/replay"),
        (Method::POST, "/ops/events/products/parked/4711/replay"),
        (Method::POST, "/ops/events/shop/parked/replay"),
    ] {
        let unknown = shop.ops(method, path).await;
        unknown.expect_problem(404, "not_found");
    }
    let wrong = shop.ops(Method::DELETE, "/ops/events").await;
    wrong.expect_problem(405, "method_not_allowed");
    shop.close().await;
}
