use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use cleave::settings::Module;
use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{
    Process, TestDatabases, client, command, eventually, free_address, on, roomy_folder, server_of,
};

/// Asks the process that serves from this folder, as its operator.
async fn ask(folder: &Path, path: &str) -> Option<String> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
    let (address, token) = (read("private.address")?, read("keys/ops.token")?);
    let url = format!("http://{}{path}", address.trim_end());
    let answer = client().get(url).bearer_auth(token.trim_end()).send();
    answer.await.ok()?.text().await.ok()
}

async fn databases(folder: &Path) -> Option<Value> {
    let told = ask(folder, "/ops/databases").await?;
    let mut told: Value = serde_json::from_str(&told).ok()?;
    Some(told["modules"].take())
}

/// Has the server count statements from its next start on; `false` where it cannot.
async fn count_statements(folder: &Path) -> bool {
    let server = server_of(folder).await.unwrap();
    let mut admin = PgConnection::connect_with(&server.admin_options())
        .await
        .unwrap();
    let known = "select exists (
                   select from pg_available_extensions where name = 'pg_stat_statements')";
    let known: bool = sqlx::query_scalar(known)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    if known {
        sqlx::raw_sql("alter system set shared_preload_libraries = 'pg_stat_statements'")
            .execute(&mut admin)
            .await
            .unwrap();
    }
    admin.close().await.unwrap();
    known
}

async fn create_extension(folder: &Path, module: &str) {
    let server = server_of(folder).await.unwrap();
    let database = server.admin_options().database(&format!("{module}_db"));
    let mut admin = PgConnection::connect_with(&database).await.unwrap();
    // Wherever the module's role may look.
    let create = format!(
        "create schema \"the watch\"; grant usage on schema \"the watch\" to {module}_user;
         create extension pg_stat_statements schema \"the watch\""
    );
    sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
}

#[tokio::test]
async fn slow_statements_are_told_where_the_server_counts_them() {
    let folder = roomy_folder();
    let folder = folder.path();
    let address = free_address();
    let serve = || Process::serve(command(folder, address, &["serve"]), address);
    let mut process = serve().await;
    assert_eq!(
        databases(folder).await.unwrap()["orders"]["statements"],
        Value::Null
    );
    if count_statements(folder).await {
        process.signal(Signal::SIGTERM);
        assert_eq!(process.ended().await, Some(0));
        process = serve().await;
        create_extension(folder, "orders").await;
        let mut told = Value::Null;
        eventually("statements are told", async || {
            told = databases(folder).await.unwrap();
            let statements = told["orders"]["statements"].as_array();
            statements.is_some_and(|statements| !statements.is_empty())
        })
        .await;
        assert_eq!(told["users"]["statements"], Value::Null);
        let statements = told["orders"]["statements"].as_array().unwrap();
        for statement in statements {
            assert!(statement["calls"].as_i64() >= Some(1), "{statement}");
            assert!(statement["mean_ms"].as_f64() <= statement["total_ms"].as_f64());
            assert!(statement["statement"].is_string(), "{statement}");
        }
        let total = |statement: &Value| statement["total_ms"].as_f64().unwrap();
        assert!(statements.is_sorted_by(|one, next| total(one) >= total(next)));
    }

    let lines = Module::ALL.map(|module| {
        [
            format!("cleave_pool_connections{{module=\"{module}\",state=\"idle\"}} "),
            format!("cleave_pool_connections{{module=\"{module}\",state=\"in_use\"}} "),
            format!("cleave_pool_max{{module=\"{module}\"}} 16"),
            format!("cleave_pool_waiting{{module=\"{module}\"}} "),
            format!("cleave_pool_acquire_seconds_bucket{{module=\"{module}\",le=\"0.25\"}} "),
        ]
    });
    // Once all that a start begins with have their connections.
    eventually("every pool is told and nobody waits", async || {
        let metrics = ask(folder, "/metrics").await.unwrap();
        lines.iter().flatten().all(|line| metrics.contains(line))
    })
    .await;
    drop(process);
}

#[tokio::test]
async fn a_database_that_says_nothing_is_not_waited_for() {
    let databases_of_others = TestDatabases::create_of(&[Module::Users, Module::Products]).await;
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = roomy_folder();
    let folder = folder.path();
    let address = free_address();
    let serve = ["serve", "--set", "migrate=off"];
    let mut serve = on(&databases_of_others, command(folder, address, &serve));
    let url = format!(
        "postgres://orders:none@{}/orders",
        silent.local_addr().unwrap()
    );
    serve.env("CLEAVE__MODULES__ORDERS__DATABASE_URL", url);
    let _process = Process::spawn(serve, address);
    eventually("it answers", async || databases(folder).await.is_some()).await;
    let begun = Instant::now();
    let told = databases(folder).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let error = told["orders"]["error"].as_str().unwrap();
    assert!(error.contains("did not answer within"), "{error}");
    for module in ["users", "products"] {
        assert!(told[module]["size_bytes"].is_number(), "{told}");
    }
}
