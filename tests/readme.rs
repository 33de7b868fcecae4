//! The README's tour, run as it is written.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

const CLEAVE: &str = env!("CARGO_BIN_EXE_cleave");

/// Stands for `cargo run -- ARGUMENTS` with the program that is built already.
const PRELUDE: &str = r#"
set -euo pipefail
cargo() { while [ "$1" != -- ]; do shift; done; shift; "$CLEAVE" "$@"; }
"#;

#[test]
fn the_tour_runs_as_written() {
    let data_dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let envs = [
        ("CLEAVE__DATA_DIR", data_dir.path().to_str().unwrap()),
        ("CLEAVE__SERVER__PUBLIC", address.as_str()),
        ("CLEAVE", CLEAVE),
        ("SHOP", &format!("http://{address}/api/v1")),
    ];
    let _serving = serve(&envs);

    let script = format!("{PRELUDE}{}", tour());
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .envs(envs)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");

    for expected in [
        r#""imported":5,"updated":0,"rejected":[]"#,
        r#""status":"placed""#,
        r#""total":{"amount":3300,"currency":"EUR"}"#,
        r#""stock":{"on_hand":40,"reserved":2,"available":38}"#,
        r#""status":"cancelled""#,
        r#""stock":{"on_hand":40,"reserved":0,"available":40}"#,
        r#""alt":"A blue mug""#,
        r#""glaze":"matt""#,
        r#""changes":[]"#,
        "event: order.delivered",
        "MUG-BLUE,",
        r#""stock":{"on_hand":37,"reserved":0,"available":37}"#,
    ] {
        assert!(stdout.contains(expected), "no {expected} in\n{stdout}");
    }
}

/// The shell blocks below the heading "A tour", to the next heading.
fn tour() -> String {
    let readme = include_str!("../README.md");
    let (_, tour) = readme.split_once("\n## A tour\n").unwrap();
    let (tour, _) = tour.split_once("\n## ").unwrap();
    let blocks: Vec<&str> = tour
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect();
    assert!(blocks.len() > 3, "the tour has its blocks");
    blocks.concat()
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Killed with the test; its Postgres goes with it.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(envs: &[(&str, &str)]) -> Serving {
    let mut child = Command::new(CLEAVE)
        .envs(envs.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = child.stderr.take().unwrap();
    let serving = Serving(child);
    let mut said = Vec::new();
    let mut lines = BufReader::new(log).lines().map_while(Result::ok);
    for line in lines.by_ref() {
        let ready = line.contains(r#""message":"ready""#);
        said.push(line);
        if ready {
            // It must not block on a full pipe later.
            std::thread::spawn(move || lines.for_each(drop));
            return serving;
        }
    }
    panic!("it never became ready:\n{}", said.join("\n"));
}
