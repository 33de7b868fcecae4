//! Public tools, in the versions of `requirements.txt` and `package-lock.json`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// Where they are; `None` on a machine without Python and Node.js, but not where CI runs.
pub fn tools() -> Option<&'static Path> {
    static TOOLS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract-tools");
        if std::env::var_os("CI").is_none() && !(runs("python3") && runs("npm")) {
            eprintln!("not run: the tools of this test need python3 and npm");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/contract-tools");
        succeed(Command::new(script).arg(&folder));
        Some(folder)
    });
    tools.as_deref()
}

fn runs(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

/// Fails with all that it printed.
pub fn succeed(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(
        status.success(),
        "{command:?}: {status}\n{stdout}\n{stderr}"
    );
    stdout
}

/// A file beside this one.
pub fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/contract")
        .join(name)
}

/// The document in a file.
pub fn document_in(folder: &Path, document: &Value) -> PathBuf {
    let file = folder.join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    file
}
