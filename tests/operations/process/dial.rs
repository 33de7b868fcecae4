use std::path::Path;
use std::process::{Command, Output};

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::Value;

use super::{run, said};
use crate::support::{Process, TestDatabases, command, free_address, on, roomy_folder};

/// Secrets that the processes of one shop share.
const SHARED: [&str; 4] = [
    "--set",
    "internal.secret=one secret for both of the processes",
    "--set",
    "auth.secret=another secret for both of the processes",
];

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn private_address(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("private.address")).unwrap();
    format!("http://{}", text.trim_end())
}

#[tokio::test]
async fn an_operator_turns_a_dial_and_sees_where_it_stands() {
    let databases = TestDatabases::create().await;
    let (front, service) = (roomy_folder(), roomy_folder());
    let (address, other) = (free_address(), free_address());
    let dial = async |arguments: &[&str]| {
        let arguments = [&["dial"], arguments].concat();
        run(command(front.path(), address, &arguments)).await
    };
    let nobody = dial(&[]).await;
    assert_eq!(code(&nobody), Some(1));
    assert!(
        said(&nobody).contains("start `cleave serve`"),
        "{}",
        said(&nobody)
    );

    let serving = [&["serve"][..], &SHARED].concat();
    let shop = on(&databases, command(front.path(), address, &serving));
    let shop = Process::serve(shop, address).await;
    let serving = [&["serve", "--only", "products"][..], &SHARED].concat();
    let alone = on(&databases, command(service.path(), other, &serving));
    let alone = Process::serve(alone, other).await;
    let url = private_address(service.path());

    let all = dial(&[]).await;
    assert_eq!(code(&all), Some(0), "{}", said(&all));
    for words in [
        "users     local  local",
        "orders    local  local",
        "requests remote",
    ] {
        assert!(said(&all).contains(words), "{words}: {}", said(&all));
    }

    // Wrong urls and fields are wrong usage; a peer that is not ready is a refusal.
    let bad = dial(&["products", "remote", "--url", "http://peer:1/path"]).await;
    assert_eq!(code(&bad), Some(2), "{}", said(&bad));
    assert!(said(&bad).contains("url: not an http"), "{}", said(&bad));
    let missing = dial(&["products", "remote"]).await;
    assert_eq!(code(&missing), Some(2), "{}", said(&missing));
    let away = dial(&["users", "remote", "--url", &url]).await;
    assert_eq!(code(&away), Some(1), "{}", said(&away));
    for words in ["peer_not_ready", "it does not host users"] {
        assert!(said(&away).contains(words), "{}", said(&away));
    }
    let stranger = dial(&["--set", "ops.token=somebody else's"]).await;
    assert_eq!(code(&stranger), Some(1));
    assert!(
        said(&stranger).contains("CLEAVE__OPS__TOKEN"),
        "{}",
        said(&stranger)
    );

    let turned = dial(&["products", "canary", "--percent", "30", "--url", &url]).await;
    assert_eq!(code(&turned), Some(0), "{}", said(&turned));
    for words in ["canary", "30", &url, "closed"] {
        assert!(said(&turned).contains(words), "{words}: {}", said(&turned));
    }
    let remote = dial(&["products", "remote", "--json"]).await;
    let state: Value = serde_json::from_slice(&remote.stdout).unwrap();
    assert_eq!(state["step"], "remote");
    for _ in 0..3 {
        let list = shop.request(Method::GET, "/api/v1/products").send().await;
        assert_eq!(list.unwrap().status(), 200);
    }
    let shown = dial(&["products", "--json"]).await;
    let state: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(state["percent"], 100);
    assert_eq!(state["latency"]["requests"]["remote"]["count"], 3);

    alone.signal(Signal::SIGTERM);
    assert_eq!(alone.ended().await, Some(0));
    assert!(!service.path().join("private.address").exists());
    let list = shop.request(Method::GET, "/api/v1/products").send().await;
    assert_eq!(list.unwrap().status(), 503);
    let back = dial(&["products", "local"]).await;
    assert_eq!(code(&back), Some(0), "{}", said(&back));
    let list = shop.request(Method::GET, "/api/v1/products").send().await;
    assert_eq!(list.unwrap().status(), 200);
}

#[tokio::test]
async fn the_doctor_looks_at_peers() {
    let databases = TestDatabases::create().await;
    let (front, service) = (roomy_folder(), roomy_folder());
    let (address, other) = (free_address(), free_address());
    let serving = [&["serve", "--only", "products"][..], &SHARED].concat();
    let alone = on(&databases, command(service.path(), other, &serving));
    let alone = Process::serve(alone, other).await;
    let url = private_address(service.path());

    let doctor = async |mut asked: Command| {
        asked.args(["--json"]);
        let output = run(asked).await;
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        (code(&output), findings)
    };
    let with = |set: &[&str]| {
        let arguments = [&["doctor"][..], &SHARED, set].concat();
        on(&databases, command(front.path(), address, &arguments))
    };
    let find = |findings: &[Value], subject: &str| {
        let found = findings.iter().find(|f| f["subject"] == subject);
        let found = found.unwrap_or_else(|| panic!("{subject}: {findings:#?}"));
        let detail = found["detail"].as_str().unwrap().to_owned();
        (found["ok"] == true, detail)
    };
    let at = |module: &str| format!("modules.{module}.url={url}");

    let (exit, sound) = doctor(with(&["--set", &at("products")])).await;
    assert_eq!(exit, Some(0), "{sound:#?}");
    for subject in ["peer", "peer port", "peer ready", "peer database"] {
        assert!(find(&sound, &format!("products {subject}")).0);
    }
    let remote = [
        "--set",
        &at("products"),
        "--set",
        "modules.products.mode=remote",
    ];
    let (exit, sound) = doctor(with(&remote)).await;
    assert_eq!(exit, Some(0), "{sound:#?}");

    let (exit, wrong) = doctor(with(&["--set", &at("users")])).await;
    assert_eq!(exit, Some(1));
    let (ok, detail) = find(&wrong, "users peer module");
    assert!(!ok && detail.contains("--only users"), "{detail}");

    let strange = [
        "--set",
        &at("products"),
        "--set",
        "internal.secret=not the same as there",
    ];
    let (exit, wrong) = doctor(with(&strange)).await;
    assert_eq!(exit, Some(1));
    let (ok, detail) = find(&wrong, "products peer");
    assert!(!ok && detail.contains("internal.secret"), "{detail}");

    alone.signal(Signal::SIGTERM);
    assert_eq!(alone.ended().await, Some(0));
    let (exit, gone) = doctor(with(&["--set", &at("products")])).await;
    assert_eq!(exit, Some(1));
    assert!(
        find(&gone, "products peer")
            .1
            .contains("check that it runs")
    );
}
