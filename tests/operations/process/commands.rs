use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use super::{run, said};
use crate::support::{Process, command, eventually, free_address, roomy_folder};

#[tokio::test]
async fn commands_work_beside_a_running_instance() {
    let folder = roomy_folder();
    let address = free_address();
    let ask = |arguments: &[&str]| run(command(folder.path(), address, arguments));
    let before = ask(&["healthcheck"]).await;
    assert_eq!(before.status.code(), Some(1), "{}", said(&before));

    let process = Process::serve(command(folder.path(), address, &["serve"]), address).await;
    eventually("the first admin's password is shown", async || {
        process.log().contains("the password is shown this once")
    })
    .await;
    let health = ask(&["healthcheck"]).await;
    assert_eq!(health.status.code(), Some(0), "{}", said(&health));

    let token = folder.path().join("keys/ops.token");
    assert!(process.log().contains(token.to_str().unwrap()));

    let second = run(command(folder.path(), free_address(), &["serve"])).await;
    assert_eq!(second.status.code(), Some(1));
    let message = said(&second);
    assert!(
        message.contains(folder.path().to_str().unwrap()),
        "{message}"
    );
    assert!(message.contains("another"), "{message}");
    assert!(process.is_ready().await);

    let doctor = ask(&["doctor", "--json"]).await;
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));
    let findings: Vec<Value> = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true));
    let subjects = [
        "users database",
        "products migrations",
        "orders clock",
        // There are none, which is told.
        "redis",
        "peers",
    ];
    for subject in subjects {
        assert!(
            findings.iter().any(|f| f["subject"] == subject),
            "{subject}"
        );
    }
    let check = ask(&["migrate", "--check", "--json"]).await;
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(report["orders"]["missing"], json!([]));

    let config = ask(&[
        "config",
        "--json",
        "--set",
        "auth.secret=a secret of more than 32 bytes, yes",
    ])
    .await;
    assert_eq!(config.status.code(), Some(0));
    let text = said(&config);
    assert!(
        text.contains(&address.to_string()) && !text.contains("a secret of"),
        "{text}"
    );

    // Every line that is left out is told, also those that no report has room for.
    let file = folder.path().join("broken.ndjson");
    std::fs::write(&file, "x\n".repeat(10_002)).unwrap();
    let import = ask(&["import", file.to_str().unwrap()]).await;
    assert_eq!(import.status.code(), Some(1), "{}", said(&import));
    let told = said(&import);
    assert!(told.contains("0 imported, 0 updated, 10002 rejected"));
    let lines = told.lines().filter(|line| line.starts_with("  line "));
    assert_eq!(lines.count(), 10_002);
    for line in [1, 10_000, 10_001, 10_002] {
        assert!(told.contains(&format!("  line {line}: ")), "{line}");
    }

    may_sign_in(&process, create_admin(folder.path(), &process).await).await;
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended().await, Some(0));
}

/// Returns email and password.
async fn create_admin(folder: &Path, process: &Process) -> (String, String) {
    let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
    let created = run(command(folder, process.address, &arguments)).await;
    assert_eq!(created.status.code(), Some(0), "{}", said(&created));
    let created: Value = serde_json::from_slice(&created.stdout).unwrap();
    assert_eq!(created["created"], true);
    let text = |field: &str| created[field].as_str().unwrap().to_owned();

    // A password of one's own comes by standard input, and must be a good one.
    let arguments = [
        "admin",
        "create",
        "--email",
        "second@example.com",
        "--password-stdin",
    ];
    let mut short = command(folder, process.address, &arguments);
    let file = folder.join("password");
    std::fs::write(&file, "short\n").unwrap();
    short.stdin(Stdio::from(std::fs::File::open(&file).unwrap()));
    let refused = run(short).await;
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    (text("email"), text("password"))
}

async fn may_sign_in(process: &Process, (email, password): (String, String)) {
    let body = json!({ "email": email, "password": password });
    let login = process
        .request(Method::POST, "/api/v1/auth/login")
        .json(&body);
    let tokens: Value = login.send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let me = process
        .request(Method::GET, "/api/v1/auth/me")
        .bearer_auth(token);
    let me: Value = me.send().await.unwrap().json().await.unwrap();
    assert_eq!(me["role"], "admin");
}
