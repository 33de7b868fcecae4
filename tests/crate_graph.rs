//! Which crate of the workspace may know which: modules meet at ports only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every edge that may be there, also for tests and builds.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("trace", &[]),
    ("ports", &["trace"]),
    ("ports-http", &["ports", "trace"]),
    ("platform", &["trace"]),
    ("users", &["platform", "ports"]),
    ("products", &["platform", "ports"]),
    ("orders", &["platform", "ports"]),
    ("cleave-fuzz", &["platform", "products"]),
    (
        "cleave",
        &[
            "orders",
            "platform",
            "ports",
            "ports-http",
            "products",
            "trace",
            "users",
        ],
    ),
];

/// Ports are plain values and traits: nothing that serves, stores or calls.
const NOT_IN_PORTS: [&str; 4] = ["actix", "sqlx", "tokio", "reqwest"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Each crate of the workspace and those it depends on.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let edges = packages.iter().map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let ours = dependencies.filter(|dependency| dependency["path"].is_string());
        (name(package), ours.map(name).collect())
    });
    edges.collect()
}

#[test]
fn modules_know_ports_and_the_platform_only() {
    let edges = edges();
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let mut offenders = Vec::new();
    for (package, dependencies) in &edges {
        let Some(allowed) = allowed.get(package.as_str()) else {
            offenders.push(format!("{package} has no place in this graph yet"));
            continue;
        };
        let foreign = dependencies
            .iter()
            .filter(|d| !allowed.contains(&d.as_str()));
        offenders.extend(foreign.map(|d| format!("{package} must not depend on {d}")));
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
    for package in allowed.keys() {
        assert!(edges.contains_key(*package), "{package} is gone");
    }
}

#[test]
fn ports_serve_store_and_call_nothing() {
    let tree = cargo(&[
        "tree",
        "--package",
        "ports",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--offline",
    ]);
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains("serde"), "{tree}");
    for name in names {
        let banned = NOT_IN_PORTS
            .iter()
            .find(|banned| name.starts_with(**banned));
        assert!(banned.is_none(), "ports must not depend on {name}");
    }
}
