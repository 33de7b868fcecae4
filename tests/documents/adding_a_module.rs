//! The module that `docs/adding-a-module.md` adds: added to a copy of this repository, built, used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shop::{Shop, shell_blocks};

const PAGE: &str = include_str!("../../docs/adding-a-module.md");

/// What a copy needs: the sources of every crate, and what is compiled into them.
const COPIED: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "bench",
    "config",
    "docs",
    "fuzz",
    "migrations",
    "modules",
    "src",
    "tests",
];

#[test]
fn the_page_adds_a_module_that_serves() {
    // Always the same place, so that what is built for it once is there the next time.
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let copy = temporary.join("adding-a-module");
    copy_of_this_checkout(&copy);
    for block in Block::all(PAGE) {
        block.apply(&copy);
    }
    let shop = Shop::serve(build(&copy, temporary));

    let stdout = shop.run(&shell_blocks(PAGE, "Using it"));
    for expected in [
        r#""sku":"MUG-BLUE""#,
        r#""is_available":true"#,
        r#""service":"wishes","mode":"local","status":"healthy""#,
    ] {
        assert!(stdout.contains(expected), "no {expected} in\n{stdout}");
    }
}

/// The program, and the crate graph's test on the way. What is built of the dependencies serves both
/// checkouts; the finished program lies elsewhere, because other tests run theirs meanwhile.
fn build(copy: &Path, temporary: &Path) -> PathBuf {
    let finished = temporary.join("adding-a-module-target");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--offline", "--test", "crate_graph"])
        .current_dir(copy)
        .env("CARGO_BUILD_BUILD_DIR", temporary.parent().unwrap())
        .env("CARGO_TARGET_DIR", &finished)
        .env("SQLX_OFFLINE", "true")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stderr}\n{stdout}");
    finished.join("debug/cleave")
}

/// A file of the page, or changes to one.
struct Block<'a> {
    path: &'a str,
    is_diff: bool,
    text: &'a str,
}

impl<'a> Block<'a> {
    /// Those that have a path above them: `` `src/store.rs`: ``, an empty line, the block.
    fn all(page: &'a str) -> Vec<Self> {
        let mut blocks = Vec::new();
        let mut rest = page;
        while let Some((before, after)) = rest.split_once("\n```") {
            let (language, after) = after.split_once('\n').unwrap();
            let (text, after) = after.split_once("```\n").unwrap();
            let above = before.trim_end().rsplit('\n').next().unwrap();
            if let Some(path) = above.strip_prefix('`').and_then(|p| p.strip_suffix("`:")) {
                let is_diff = language == "diff";
                blocks.push(Self {
                    path,
                    is_diff,
                    text,
                });
            }
            rest = after;
        }
        assert!(blocks.len() > 10, "the page has its blocks");
        blocks
    }

    fn apply(&self, checkout: &Path) {
        let path = checkout.join(self.path);
        let text = match self.is_diff {
            true => self.changed(fs::read_to_string(&path).unwrap()),
            false => self.text.to_owned(),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adding-a-module.md");
        as_old_as(&path, &page);
    }

    fn changed(&self, file: String) -> String {
        self.text.split("@@\n").fold(file, |file, hunk| {
            let (before, after) = (side(hunk, '-'), side(hunk, '+'));
            let found = file.matches(&before).count();
            assert_eq!(found, 1, "{} has, so often:\n{before}", self.path);
            file.replacen(&before, &after, 1)
        })
    }
}

/// The lines of a hunk that are there before (`-`) or after (`+`) the change.
fn side(hunk: &str, sign: char) -> String {
    let lines = hunk.lines().filter_map(|line| match line.is_empty() {
        true => Some("\n".to_owned()),
        false => line
            .strip_prefix([' ', sign])
            .map(|line| format!("{line}\n")),
    });
    lines.collect()
}

/// Made anew, so that nothing of an earlier one is left.
fn copy_of_this_checkout(copy: &Path) {
    let _ = fs::remove_dir_all(copy);
    fs::create_dir_all(copy).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in COPIED {
        copy_all(&root.join(name), &copy.join(name));
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy_all(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
        as_old_as(to, from);
    }
}

/// Cargo goes by the times of files: what is the same need not be built again.
fn as_old_as(file: &Path, other: &Path) {
    let time = fs::metadata(other).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_modified(time).unwrap();
}
