//! What operators see of the databases: who waits for a connection, how large they are, what their
//! history is.

use cleave::settings::Module;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Blocker, CLOSED, TestShop, Topology, eventually, lose};

const FEW: u32 = 2;
/// More than there are connections.
const CUSTOMERS: u32 = 5;

async fn databases(shop: &TestShop) -> Value {
    let answer = shop.ops(Method::GET, "/ops/databases").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.expect(200)["modules"].take()
}

#[tokio::test]
async fn each_database_tells_its_size_and_its_history() {
    let shop = TestShop::open().await;
    let told = databases(&shop).await;
    assert_eq!(told.as_object().unwrap().len(), Module::ALL.len());
    for module in Module::ALL {
        let database = &told[module.name()];
        assert!(
            database["size_bytes"].as_u64() > Some(1 << 20),
            "{database}"
        );
        // The server of the tests does not count them.
        assert_eq!(database.get("statements"), Some(&Value::Null));
        assert_eq!(database.get("error"), None);
        let migrations = &database["migrations"];
        assert_eq!(migrations["state"], "current");
        assert_eq!(migrations["applied"], migrations["latest"]);
        assert_eq!(migrations["pending"], json!([]));
        let pool = &database["pool"];
        assert_eq!((&pool["max"], &pool["waiting"]), (&json!(16), &json!(0)));
        let size = pool["idle"].as_u64().unwrap() + pool["in_use"].as_u64().unwrap();
        assert_eq!(pool["size"], size);
    }

    let mut orders = shop.connect(Module::Orders).await;
    let latest = told["orders"]["migrations"]["latest"].as_i64().unwrap();
    for (change, state, pending) in [
        ("update _sqlx_migrations set version = 9999 where version = $1", "behind", 1),
        ("insert into _sqlx_migrations select $1, description, installed_on, success, checksum, 0
          from _sqlx_migrations where version = 9999", "ahead", 0),
    ] {
        let changed = sqlx::query(change).bind(latest).execute(&mut orders);
        changed.await.unwrap();
        // What a database has said is good for a moment.
        let mut migrations = Value::Null;
        eventually("the history is looked at again", async || {
            migrations = databases(&shop).await["orders"]["migrations"].take();
            migrations["state"] == state
        })
        .await;
        let named = migrations["pending"].as_array().unwrap();
        assert_eq!(named.len(), pending, "{migrations}");
        let number = format!("{latest:04} ");
        assert!(named.iter().all(|name| name.as_str().unwrap().starts_with(&number)));
        assert_eq!((&migrations["applied"], &migrations["latest"]), (&json!(9999), &json!(latest)));
    }
    shop.close().await;
}

#[tokio::test]
async fn whoever_waits_for_a_connection_is_counted() {
    let few = format!("modules.products.pool_max={FEW}");
    let shop = TestShop::open_with(Topology::default(), &[&few]).await;
    let pool = async || databases(&shop).await["products"]["pool"].take();
    let blocked = Blocker::hold(
        shop.databases.of(Module::Products),
        "lock table products in access exclusive mode",
    );
    let mut blocked = blocked.await;
    let asking = join_all((0..CUSTOMERS).map(|number| {
        let path = format!("/api/v1/products/by-sku/NONE-{number}");
        shop.send(shop.request(Method::GET, &path))
    }));
    let looking = async {
        blocked.victims(FEW as usize).await;
        eventually("the others wait", async || {
            let pool = pool().await;
            pool["waiting"].as_u64() >= Some(u64::from(CUSTOMERS - FEW))
        })
        .await;
        let database = databases(&shop).await["products"].take();
        let pool = &database["pool"];
        assert_eq!((&pool["max"], &pool["size"]), (&json!(FEW), &json!(FEW)));
        assert_eq!((&pool["in_use"], &pool["idle"]), (&json!(FEW), &json!(0)));
        // It is looked at all the same.
        assert!(database["size_bytes"].is_number(), "{database}");
        blocked.release().await;
    };
    let (answers, ()) = tokio::join!(asking, looking);
    for answer in answers {
        answer.expect_problem(404, "not_found");
    }
    eventually("nobody waits any more", async || {
        let pool = pool().await;
        pool["waiting"] == 0 && pool["in_use"] == 0
    })
    .await;
    // Some had one at once, and some long after.
    let times = pool().await["acquire_ms"].take();
    assert!(times["p50"].as_f64() < times["p99"].as_f64(), "{times}");
    assert!(times["p99"].as_f64() > Some(1.0), "{times}");
    shop.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_named_and_the_others_answer() {
    let shop = TestShop::open().await;
    let lost = lose(&shop, Module::Orders, CLOSED).await;
    let error = async || databases(&shop).await["orders"]["error"].take();
    eventually("the loss is told", async || error().await.is_string()).await;
    let told = databases(&shop).await;
    let orders = &told["orders"];
    assert_eq!(orders["pool"]["max"], 16);
    for unknown in ["size_bytes", "statements", "migrations"] {
        assert_eq!(orders.get(unknown), Some(&Value::Null), "{unknown}");
    }
    for module in [Module::Users, Module::Products] {
        let database = &told[module.name()];
        assert_eq!(database.get("error"), None);
        assert!(database["size_bytes"].is_number(), "{database}");
    }
    lost.give_back().await;
    eventually("it is back", async || error().await.is_null()).await;
    shop.close().await;
}

#[tokio::test]
async fn databases_are_for_operators() {
    let shop = TestShop::open().await;
    let url = format!("http://{}/ops/databases", shop.private());
    let client = crate::support::client();
    for request in [client.get(&url), client.get(&url).bearer_auth("a guess")] {
        shop.send(request)
            .await
            .expect_problem(401, "invalid_token");
    }
    // Nor on the public listener.
    let public = shop.request(Method::GET, "/ops/databases");
    shop.send(public).await.expect_problem(404, "unknown_route");
    shop.close().await;
}
