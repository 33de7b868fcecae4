use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{let_wait, log, log_says, open, order, orders, webhook, webhook_to};
use crate::support::{Receiver, Reply, eventually};

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_id_until_it_is_taken() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let inside = Receiver::open().await;
    let mut replies = vec![
        Reply::Status(201),
        Reply::Close,
        Reply::Redirect(inside.url("/secret")),
        Reply::Status(404),
        Reply::Status(500),
    ];
    let receiver = Receiver::answering(move |_| replies.pop().unwrap()).await;
    let (path, secret) = webhook_to(&shop, &admin, &receiver).await;
    order(&shop, &admin, &sofa).await;
    let mut db = orders(&shop).await;
    eventually("it is delivered", async || {
        let_wait(&mut db).await;
        log(&shop, &admin, &path).await[0]["status"] == "delivered"
    })
    .await;
    let notices = receiver.notices();
    assert_eq!(notices.len(), 5);
    let ids: BTreeSet<&str> = notices.iter().map(|n| n.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1);
    for notice in &notices {
        assert_eq!(notice.verified(&secret), notices[0].json());
    }
    let log = log(&shop, &admin, &path).await;
    let attempts = log[0]["attempts"].as_array().unwrap();
    let codes: Vec<&Value> = attempts.iter().map(|a| &a["status_code"]).collect();
    let expected = [json!(500), json!(404), json!(302), Value::Null, json!(201)];
    assert_eq!(codes, expected.iter().collect::<Vec<_>>());
    for failed in &attempts[..4] {
        assert!(!failed["error"].as_str().unwrap().is_empty());
    }
    assert_eq!(attempts[4]["error"], Value::Null);
    assert!(inside.notices().is_empty());
    shop.close().await;
}

#[tokio::test]
async fn after_the_last_attempt_it_has_failed() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::answering(|_| Reply::Status(503)).await;
    let (path, _) = webhook_to(&shop, &admin, &receiver).await;
    order(&shop, &admin, &sofa).await;
    let mut db = orders(&shop).await;
    eventually("it is given up", async || {
        let_wait(&mut db).await;
        log(&shop, &admin, &path).await[0]["status"] == "failed"
    })
    .await;
    let log = log(&shop, &admin, &path).await;
    assert_eq!(log[0]["attempts"].as_array().unwrap().len(), 10);
    assert_eq!(log[0]["next_attempt_at"], Value::Null);
    assert_eq!(receiver.notices().len(), 10);
    let webhook = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(webhook["is_active"], true);
    assert!(webhook["failing_since"].is_string());
    shop.close().await;
}

#[tokio::test]
async fn it_is_tried_less_and_less_often() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::answering(|_| Reply::Status(500)).await;
    webhook_to(&shop, &admin, &receiver).await;
    order(&shop, &admin, &sofa).await;
    let mut db = orders(&shop).await;
    // After the first one it comes by itself.
    for (attempts, minutes) in [(2, 4.0..6.0), (3, 25.0..35.0), (4, 100.0..140.0)] {
        let mut pause = 0.0;
        eventually("the attempt is written down", async || {
            let found: Option<f64> = sqlx::query_scalar(
                "select extract(epoch from due_at - now())::float8 / 60
                 from webhook_deliveries where jsonb_array_length(attempts) = $1",
            )
            .bind(attempts)
            .fetch_optional(&mut db)
            .await
            .unwrap();
            pause = found.unwrap_or_default();
            found.is_some()
        })
        .await;
        assert!(minutes.contains(&pause), "{attempts}: {pause}");
        let_wait(&mut db).await;
    }
    shop.close().await;
}

#[tokio::test]
async fn who_is_gone_is_told_nothing_more() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let gone = Receiver::answering(|_| Reply::Status(410)).await;
    let other = Receiver::open().await;
    let (path, _) = webhook_to(&shop, &admin, &gone).await;
    webhook_to(&shop, &admin, &other).await;
    order(&shop, &admin, &sofa).await;
    eventually("it is disabled", async || {
        let webhook = shop.get_as(&admin, &path).await.expect(200);
        webhook["is_active"] == false
    })
    .await;
    let webhook = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(webhook["disabled_reason"], "gone");
    assert!(webhook["disabled_at"].is_string());
    order(&shop, &admin, &sofa).await;
    other.heard(2).await;
    assert_eq!(gone.notices().len(), 1);
    log_says(&shop, &admin, &path, (1, "failed")).await;
    shop.close().await;
}

#[tokio::test]
async fn who_has_failed_for_days_is_disabled_unless_it_took_something() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let well = Arc::new(AtomicBool::new(false));
    let heals = Arc::clone(&well);
    let receiver = Receiver::answering(move |_| match heals.load(Ordering::Relaxed) {
        true => Reply::Status(200),
        false => Reply::Status(500),
    })
    .await;
    let (path, _) = webhook_to(&shop, &admin, &receiver).await;
    let mut db = orders(&shop).await;
    let failing = async |yes: bool| {
        eventually(&format!("failing: {yes}"), async || {
            let webhook = shop.get_as(&admin, &path).await.expect(200);
            webhook["failing_since"].is_string() == yes
        })
        .await;
    };
    order(&shop, &admin, &sofa).await;
    failing(true).await;
    well.store(true, Ordering::Relaxed);
    order(&shop, &admin, &sofa).await;
    failing(false).await;
    log_says(&shop, &admin, &path, (2, "delivered")).await;
    well.store(false, Ordering::Relaxed);
    order(&shop, &admin, &sofa).await;
    failing(true).await;
    sqlx::raw_sql("update webhooks set failing_since = failing_since - interval '6 days'")
        .execute(&mut db)
        .await
        .unwrap();
    order(&shop, &admin, &sofa).await;
    eventually("it is disabled", async || {
        let webhook = shop.get_as(&admin, &path).await.expect(200);
        webhook["disabled_reason"] == "failing" && webhook["is_active"] == false
    })
    .await;
    shop.close().await;
}

#[tokio::test]
async fn one_who_is_slow_holds_up_nobody_else() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let slow = Receiver::answering(|_| Reply::Silence).await;
    let quick = Receiver::open().await;
    let (path_of_slow, _) = webhook_to(&shop, &admin, &slow).await;
    webhook_to(&shop, &admin, &quick).await;
    order(&shop, &admin, &sofa).await;
    let mut db = orders(&shop).await;
    // A backlog of both, the slow one's first.
    sqlx::raw_sql(
        "insert into webhook_deliveries (webhook_id, event_id, order_id, step, type)
         select webhook_id, gen_random_uuid(), order_id, step, type
         from webhook_deliveries join webhooks on id = webhook_id, generate_series(1, 200)
         order by id",
    )
    .execute(&mut db)
    .await
    .unwrap();
    quick.heard(201).await;
    // It was not given all of them at a time.
    let begun = slow.notices().len();
    assert!((1..201).contains(&begun), "{begun}");
    let waiting = log(&shop, &admin, &path_of_slow).await;
    let pending = |delivery: &Value| delivery["status"] == "pending";
    assert!(waiting.iter().all(pending));
    shop.close().await;
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_answer() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let receiver = Receiver::answering(|_| Reply::Endless).await;
    let (path, _) = webhook_to(&shop, &admin, &receiver).await;
    order(&shop, &admin, &sofa).await;
    let log = log_says(&shop, &admin, &path, (1, "delivered")).await;
    assert_eq!(log[0]["attempts"][0]["status_code"], 200);
    shop.close().await;
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_says_so() {
    let shop = open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 9).await;
    let nobody = json!({ "url": format!("http://{}/", crate::support::free_address()) });
    let nameless = json!({ "url": "http://nothing.invalid/" });
    for body in [nobody, nameless] {
        let (path, _) = webhook(&shop, &admin, &body).await;
        order(&shop, &admin, &sofa).await;
        eventually("the attempt is written down", async || {
            let log = log(&shop, &admin, &path).await;
            log[0]["attempts"][0]["error"].is_string()
        })
        .await;
        let log = log(&shop, &admin, &path).await;
        assert_eq!(log[0]["attempts"][0]["status_code"], Value::Null);
        assert_eq!(log[0]["status"], "pending");
        assert!(log[0]["next_attempt_at"].is_string());
    }
    shop.close().await;
}
