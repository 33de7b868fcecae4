//! `POST /ops/reconcile`.

use cleave::settings::Module;
use reqwest::Method;
use serde_json::json;

use crate::support::{Blocker, TestShop};

/// The only one who reads orders while nothing happens is the run.
const NOBODY_ELSE: &str = "modules.orders.payment_window_s=0";

#[tokio::test]
async fn is_for_operators_and_one_at_a_time() {
    // Shorter than the run will take.
    let set = ["server.request_deadline_ms=300", NOBODY_ELSE];
    let shop = TestShop::open_with(Default::default(), &set).await;
    let url = format!("http://{}/ops/reconcile", shop.private());
    let stranger = reqwest::Client::new().post(url).json(&json!({}));
    let stranger = shop.send(stranger.bearer_auth("somebody's")).await;
    stranger.expect_problem(401, "invalid_token");
    let nothing = shop.ops(Method::POST, "/ops/reconcile").await;
    assert_eq!(nothing.expect(200)["total"], 0);
    for body in [json!({ "repair": "yes" }), json!({ "fix": true })] {
        let refused = shop.ask_ops("/ops/reconcile", &body).await;
        assert_eq!(refused.status, 422);
    }

    let database = shop.databases.of(Module::Orders);
    let mut lock = Blocker::hold(database, "lock table orders in access exclusive mode").await;
    let second = async {
        lock.victims(1).await;
        let second = shop.ask_ops("/ops/reconcile", &json!({})).await;
        second.expect_problem(409, "reconcile_running");
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        lock.release().await;
    };
    let (report, ()) = tokio::join!(shop.reconcile(false), second);
    assert_eq!(report.total, 0);
    shop.close().await;
}

#[tokio::test]
async fn ends_with_the_process() {
    let shop = TestShop::open_with(Default::default(), &[NOBODY_ELSE]).await;
    let database = shop.databases.of(Module::Orders);
    let mut lock = Blocker::hold(database, "lock table orders in access exclusive mode").await;
    let asking = tokio::spawn(shop.ops_request("/ops/reconcile", &json!({})).send());
    lock.victims(1).await;
    let closing = std::time::Instant::now();
    shop.close().await;
    assert!(closing.elapsed() < std::time::Duration::from_secs(20));
    assert_eq!(asking.await.unwrap().unwrap().status(), 503);
    lock.release().await;
}

#[tokio::test]
async fn what_was_found_before_a_failure_is_kept() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    shop.expect_balanced_books().await;
    for (module, statement) in [
        (Module::Orders, "update orders set total_minor = 1"),
        (
            Module::Products,
            "alter table stock_movements rename to elsewhere",
        ),
    ] {
        let mut database = shop.connect(module).await;
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    let failed = shop.ask_ops("/ops/reconcile", &json!({})).await;
    let problem = failed.expect_problem(503, "unavailable");
    assert_eq!(problem["report"]["checked"]["orders"], 1);
    assert_eq!(problem["report"]["differences"][0]["kind"], "order_total");
    shop.close().await;
}
