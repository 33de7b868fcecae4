//! The OpenAPI document in the hands of public tools: a linter, a generator of clients, a tester
//! that makes up requests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod tools;

use std::path::Path;
use std::process::Command;

use support::{Customer, TestShop, Topology, document};
use tools::{beside, document_in, succeed, tools};

/// Requests made up for each operation and phase.
const CASES: &str = "40";

#[test]
fn a_public_linter_finds_nothing() {
    let Some(tools) = tools() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut lint = Command::new(tools.join("node_modules/.bin/redocly"));
    lint.args(["lint", "--max-problems=1000", "--config"])
        .arg(beside("redocly.yaml"))
        .arg(document_in(folder.path(), &document()))
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    succeed(&mut lint);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_registers_orders_and_reads() {
    let Some(tools) = tools() else { return };
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    shop.product(&admin, "MUG", 1250, 10).await;
    let told = tokio::task::spawn_blocking({
        let base = shop.url("");
        move || order_with_a_generated_client(tools, &base)
    });
    let told = told.await.unwrap();
    assert!(told.contains("cancelled"), "{told}");
    shop.close().await;
}

/// Its types are checked against what it does with them.
fn order_with_a_generated_client(tools: &Path, base: &str) -> String {
    let folder = tempfile::tempdir_in(tools).unwrap();
    let document = document_in(folder.path(), &document());
    let run = |program: &str, arguments: &[&str]| {
        let program = tools.join("node_modules/.bin").join(program);
        succeed(
            Command::new(program)
                .args(arguments)
                .current_dir(folder.path()),
        )
    };
    run(
        "openapi-typescript",
        &[document.to_str().unwrap(), "--output", "schema.d.ts"],
    );
    std::fs::copy(beside("client.mts"), folder.path().join("client.mts")).unwrap();
    let strictly = [
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "client.mts",
    ];
    run("tsc", &strictly);
    succeed(
        Command::new("node")
            .arg(folder.path().join("client.mjs"))
            .arg(base),
    )
}

/// Finds 5xx, undocumented statuses and headers, answers of another shape, requests that should
/// have been refused, routes that forget to ask for a token, and things that outlive their deletion.
#[tokio::test(flavor = "multi_thread")]
async fn made_up_requests_find_nothing_that_the_document_does_not_say() {
    let Some(tools) = tools() else { return };
    let set = ["limits.requests_per_second=0", "limits.login_per_minute=0"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "MUG", 1250, 1_000_000).await;
    shop.place_order(&admin, &[(&product, 1)]).await.expect(201);
    // Signs itself out, changes its password, deletes itself.
    let leaving = shop.customer("leaving").await;
    let calls = "/(auth/sessions|users/me)";
    let remaining = ["--exclude-path-regex", calls];
    let ends = [
        "--include-path-regex",
        calls,
        "--phases",
        "examples,coverage,fuzzing",
    ];
    for (who, these) in [(&admin, &remaining[..]), (&leaving, &ends[..])] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = tester(tools, &shop, who);
        run.args(these).current_dir(folder.path());
        let told = tokio::task::spawn_blocking(move || succeed(&mut run))
            .await
            .unwrap();
        println!("{told}");
    }
    shop.close().await;
}

fn tester(tools: &Path, shop: &TestShop, who: &Customer) -> Command {
    let mut run = Command::new(tools.join("python/bin/st"));
    let seed = std::env::var("CLEAVE_CONTRACT_SEED").unwrap_or_else(|_| "1".to_owned());
    let cases = std::env::var("CLEAVE_CONTRACT_CASES").unwrap_or_else(|_| CASES.to_owned());
    run.arg("--config-file")
        .arg(beside("schemathesis.toml"))
        .args(["run", &shop.url("/api/v1/openapi.json"), "--seed", &seed])
        .args([
            "--max-examples",
            &cases,
            "--no-shrink",
            "--continue-on-failure",
        ])
        .arg(format!("--header=Authorization: Bearer {}", who.token))
        .env("SCHEMATHESIS_HOOKS", beside("hooks.py"))
        .env("NO_COLOR", "1");
    run
}
