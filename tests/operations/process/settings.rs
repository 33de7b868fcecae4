use super::{run, said};
use crate::support::{command, free_address, roomy_folder};

/// Arguments, and what the message must name.
const BROKEN: [(&[&str], &[&str]); 12] = [
    (
        &["serve", "--set", "server.workers=many"],
        &["server.workers"],
    ),
    (&["serve", "--set", "server.colour=red"], &["server.colour"]),
    // All that is wrong is told at once.
    (
        &[
            "serve",
            "--set",
            "store.currency=EURO",
            "--set",
            "events.max_attempts=0",
        ],
        &["store.currency", "events.max_attempts"],
    ),
    (
        &["serve", "--set", "environment=production"],
        &["auth.secret"],
    ),
    (
        &["serve", "--config", "/nowhere/cleave.toml"],
        &["/nowhere/cleave.toml"],
    ),
    (
        &["serve", "--set", "server.tls_cert=/nowhere/cert.pem"],
        &["server.tls_cert", "server.tls_key"],
    ),
    (
        &[
            "doctor",
            "--set",
            "server.tls_cert=/nowhere/cert.pem",
            "--set",
            "server.tls_key=/nowhere/key.pem",
        ],
        &["server.tls_cert", "/nowhere/cert.pem"],
    ),
    (
        &["serve", "--set", "media.url=https://nowhere.example/x"],
        &["media.url", "nowhere.example"],
    ),
    (
        &["serve", "--set", "telemetry.sample_ratio=1.5"],
        &[
            "telemetry.sample_ratio (--set): \"1.5\"",
            "a number from 0 to 1",
        ],
    ),
    (
        &[
            "serve",
            "--set",
            "telemetry.otlp_endpoint=grpc://collector:4317",
        ],
        &["telemetry.otlp_endpoint", "http, https"],
    ),
    (
        &["admin", "create", "--email", "nope"],
        &["--email", "must be an email address"],
    ),
    (
        &["serve", "--only", "orders"],
        &["modules.products.url", "modules.users.url"],
    ),
];

#[tokio::test]
async fn a_broken_setting_stops_the_start_and_is_named() {
    let folder = roomy_folder();
    let address = free_address();
    for (arguments, names) in BROKEN {
        let output = run(command(folder.path(), address, arguments)).await;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        for name in names {
            assert!(said.contains(name), "{arguments:?}: {name} in {said}");
            let lines = said.lines().filter(|line| line.contains(name));
            assert!(lines.count() <= names.len(), "{arguments:?}: {said}");
        }
        assert!(output.stdout.is_empty(), "{said}");
    }
    // Nothing was begun.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let folder = roomy_folder();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let output = run(command(folder.path(), address, &["serve"])).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("server.public") && said.contains(&address.to_string()));
}
