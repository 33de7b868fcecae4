//! A shop in which the commands of a document run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Stands for `cargo run -- ARGUMENTS` with the program that is built already.
const PRELUDE: &str = r#"
set -euo pipefail
cargo() { while [ "$1" != -- ]; do shift; done; shift; "$CLEAVE" "$@"; }
"#;

/// Killed with the test; its Postgres goes with it.
pub struct Shop {
    process: Child,
    program: PathBuf,
    address: String,
    data_dir: TempDir,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Shop {
    /// The main job with the embedded default, once it is ready.
    pub fn serve(program: impl AsRef<Path>) -> Self {
        let program = program.as_ref().to_owned();
        let data_dir = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut process = Command::new(&program)
            .envs(settings(data_dir.path(), &address))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = process.stderr.take().unwrap();
        let shop = Self {
            process,
            program,
            address,
            data_dir,
        };
        let mut said = Vec::new();
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        for line in lines.by_ref() {
            let ready = line.contains(r#""message":"ready""#);
            said.push(line);
            if ready {
                // It must not block on a full pipe later.
                std::thread::spawn(move || lines.for_each(drop));
                return shop;
            }
        }
        panic!("it never became ready:\n{}", said.join("\n"));
    }

    /// What the commands print; none may fail.
    pub fn run(&self, commands: &str) -> String {
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("{PRELUDE}{commands}"))
            .envs(settings(self.data_dir.path(), &self.address))
            .env("CLEAVE", &self.program)
            .env("SHOP", format!("http://{}/api/v1", self.address))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stdout}\n{stderr}");
        stdout
    }
}

fn settings<'a>(data_dir: &'a Path, address: &'a str) -> [(&'static str, &'a OsStr); 2] {
    [
        ("CLEAVE__DATA_DIR", data_dir.as_os_str()),
        ("CLEAVE__SERVER__PUBLIC", address.as_ref()),
    ]
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The shell blocks below a heading, to the next one.
pub fn shell_blocks(document: &str, heading: &str) -> String {
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect();
    assert!(!blocks.is_empty(), "{heading} has its blocks");
    blocks.concat()
}
