use cleave::settings::Module;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::Value;

use super::{run, said};
use crate::support::{Process, TestDatabases, command, free_address, on, roomy_folder};

#[tokio::test]
async fn migrate_check_tells_what_is_missing() {
    let folder = roomy_folder();
    let databases = TestDatabases::create().await;
    let migrate = |arguments: &[&str]| {
        let command = command(folder.path(), free_address(), arguments);
        run(on(&databases, command))
    };
    let up_to_date = migrate(&["migrate", "--check"]).await;
    assert_eq!(up_to_date.status.code(), Some(0), "{}", said(&up_to_date));

    let mut orders = databases.connect(Module::Orders).await;
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&mut orders)
        .await
        .unwrap();
    let behind = migrate(&["migrate", "--check"]).await;
    assert_eq!(behind.status.code(), Some(1));
    let text = said(&behind);
    assert!(text.contains("orders: missing 0001"), "{text}");
    assert!(text.contains("users: up to date"), "{text}");
    let others = migrate(&["migrate", "users", "--check"]).await;
    assert_eq!(others.status.code(), Some(0), "{}", said(&others));

    // A server that shall only check does not start.
    let start = migrate(&["serve", "--set", "migrate=check"]).await;
    assert_eq!(start.status.code(), Some(1));
    assert!(
        said(&start).contains("cleave migrate orders"),
        "{}",
        said(&start)
    );

    let migrated = migrate(&["migrate"]).await;
    assert_eq!(migrated.status.code(), Some(0), "{}", said(&migrated));
    let up_to_date = migrate(&["migrate", "--check"]).await;
    assert_eq!(up_to_date.status.code(), Some(0), "{}", said(&up_to_date));
    assert!(!folder.path().join("pg").exists(), "no server of its own");
}

#[tokio::test]
async fn one_module_can_be_served_alone() {
    let folder = roomy_folder();
    let databases = TestDatabases::create().await;
    let address = free_address();
    let serve = command(folder.path(), address, &["serve", "--only", "products"]);
    let process = Process::serve(on(&databases, serve), address).await;
    let get = async |path: &str| process.request(Method::GET, path).send().await.unwrap();
    let products: Value = get("/api/v1/products").await.json().await.unwrap();
    assert_eq!(products["items"], Value::Array(vec![]));
    let health: Value = get("/health").await.json().await.unwrap();
    let hosted: Vec<&String> = health["modules"].as_object().unwrap().keys().collect();
    assert_eq!(hosted, ["products"]);
    assert_eq!(get("/health/products").await.status(), 200);
    for absent in ["/health/orders", "/api/v1/orders", "/api/v1/auth/me"] {
        assert_eq!(get(absent).await.status(), 404, "{absent}");
    }
    process.signal(Signal::SIGINT);
    assert_eq!(process.ended().await, Some(0));
    assert!(!folder.path().join("pg").exists(), "no server of its own");
}
