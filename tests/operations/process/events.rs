use std::path::Path;
use std::process::Output;

use cleave::settings::Module;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{run, said};
use crate::support::{Process, TestDatabases, command, eventually, free_address, on, roomy_folder};

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

async fn write(databases: &TestDatabases, event: Value) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into outbox (event_id, subscriber, aggregate_id, event)
         values ($1, 'products', $1, $2)",
    )
    .bind(id)
    .bind(event)
    .execute(&mut databases.connect(Module::Orders).await)
    .await
    .unwrap();
    id
}

async fn metrics(folder: &Path) -> String {
    let address = std::fs::read_to_string(folder.join("private.address")).unwrap();
    let url = format!("http://{}/metrics", address.trim_end());
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.request(Method::GET, url).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn an_operator_sees_parked_events_and_replays_them() {
    let databases = TestDatabases::create().await;
    let folder = roomy_folder();
    let address = free_address();
    let events = async |arguments: &[&str]| {
        let arguments = [&["events"], arguments].concat();
        run(command(folder.path(), address, &arguments)).await
    };
    let nobody = events(&[]).await;
    assert_eq!(code(&nobody), Some(1));
    assert!(
        said(&nobody).contains("start `cleave serve`"),
        "{}",
        said(&nobody)
    );

    let serve = ["serve", "--set", "events.max_attempts=1"];
    let shop = on(&databases, command(folder.path(), address, &serve));
    let _shop = Process::serve(shop, address).await;
    let nonsense = json!({ "type": "order.teleported.v9" });
    let first = write(&databases, nonsense.clone()).await;
    write(&databases, nonsense).await;
    let parked = async || {
        let all = document(&events(&["orders", "--json"]).await);
        all["modules"]["orders"]["subscribers"]["products"]["parked"].clone()
    };
    eventually("they are parked", async || parked().await == 2).await;

    let all = events(&[]).await;
    assert_eq!(code(&all), Some(0), "{}", said(&all));
    for words in [
        "subscriber  pending",
        "orders  products",
        "users   orders",
        "local",
    ] {
        assert!(said(&all).contains(words), "{words}: {}", said(&all));
    }
    let list = events(&["orders", "parked", "--limit", "1"]).await;
    assert_eq!(code(&list), Some(0), "{}", said(&list));
    for words in [
        "order.teleported.v9",
        "not an event",
        &first.to_string(),
        "--cursor",
    ] {
        assert!(said(&list).contains(words), "{words}: {}", said(&list));
    }
    let list = document(&events(&["parked", "--json"]).await);
    let rows = list["modules"]["orders"]["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let id = rows[0]["id"].to_string();

    for (arguments, words) in [
        (&["orders", "replay", "4711"][..], "not_found"),
        (&["products", "replay", "4711"], "not_found"),
    ] {
        let refused = events(arguments).await;
        assert_eq!(code(&refused), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
    }

    // What it meant to say.
    let meant = json!({
        "id": first, "occurred_at": "2026-01-01T00:00:00Z", "type": "order.cancelled.v1",
        "data": { "order_id": first, "reservation_id": Uuid::now_v7() },
    });
    sqlx::query("update outbox set event = $1 where event_id = $2")
        .bind(meant)
        .bind(first)
        .execute(&mut databases.connect(Module::Orders).await)
        .await
        .unwrap();
    let replayed = events(&["orders", "replay", &id]).await;
    assert_eq!(code(&replayed), Some(0), "{}", said(&replayed));
    assert!(
        said(&replayed).contains("order.cancelled.v1"),
        "{}",
        said(&replayed)
    );
    let labels = r#"{module="orders",subscriber="products"} 1"#;
    eventually("it is delivered and counted", async || {
        let text = metrics(folder.path()).await;
        text.contains(&format!("cleave_events_delivered_total{labels}"))
            && text.contains(&format!("cleave_event_lag_seconds_count{labels}"))
    })
    .await;
    let text = metrics(folder.path()).await;
    assert!(
        text.contains(r#"cleave_events_parked_total{module="orders",subscriber="products"} 2"#)
    );
    assert!(text.contains(r#"cleave_outbox_parked{module="orders",subscriber="products"}"#));

    let all = document(&events(&["replay", "--all", "--json"]).await);
    assert_eq!(all["modules"]["orders"]["replayed"], 1);
    assert_eq!(all["modules"]["users"]["replayed"], 0);
    eventually("it is parked again", async || parked().await == 1).await;
    let all = events(&["orders", "replay", "--all"]).await;
    assert!(said(&all).contains("orders  1"), "{}", said(&all));
}
