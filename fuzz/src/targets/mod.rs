mod cursors;
mod forms;
mod import;
mod merge_patch;
mod pictures;
mod requests;
mod tokens;

/// Panics over input that is not treated as it should be.
pub type Target = fn(&[u8]);

/// Each has a folder in `corpus` of the same name.
const TARGETS: [(&str, Target); 7] = [
    ("cursors", cursors::run),
    ("forms", forms::run),
    ("import", import::run),
    ("merge_patch", merge_patch::run),
    ("pictures", pictures::run),
    ("requests", requests::run),
    ("tokens", tokens::run),
];

pub fn named(name: &str) -> Option<Target> {
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    found.map(|(_, run)| *run)
}
