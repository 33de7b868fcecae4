//! What crosses the wire is pinned in `modules/ports/wire`, one file for each type and, of enums,
//! for each variant, so that two releases can talk to each other.
//!
//! Where a change is meant, `UPDATE_WIRE=1 cargo test -p ports --test wire` pins today's forms. What
//! they replace is what peers of the last release send and expect: read the complaints first. A new
//! field that this release does without when it is absent harms nobody; all else wants a new version
//! of the call or event.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod differ;
mod sample;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use ports::EventBody;
use serde_json::{Value, json};

use crate::differ::differences;
use crate::sample::Sample;
use crate::samples::samples;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wire");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// File name and pinned form.
static PINNED: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    if std::env::var_os("UPDATE_WIRE").is_some() {
        pin_anew();
    }
    let files = fs::read_dir(FOLDER).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let form = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, form)
    });
    files.collect()
});

fn pin_anew() {
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir(FOLDER).unwrap();
    for sample in samples() {
        let text = serde_json::to_string_pretty(&sample.json).unwrap() + "\n";
        fs::write(Path::new(FOLDER).join(&sample.file), text).unwrap();
    }
}

#[track_caller]
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn an_event_is_named_as_it_is_on_the_wire() {
    let bodies = samples()
        .into_iter()
        .filter(|sample| sample.of == "EventBody");
    let names = bodies.map(|sample| {
        let body: EventBody = serde_json::from_value(sample.json.clone()).unwrap();
        assert_eq!(sample.json["type"], body.name());
        body.name()
    });
    assert_eq!(names.collect::<BTreeSet<_>>().len(), 8);
}

#[test]
fn peers_of_the_last_release_get_what_they_expect() {
    let mut complaints = Vec::new();
    for Sample { file, json, .. } in samples() {
        let Some(pinned) = PINNED.get(&file) else {
            complaints.push(format!("`{file}` is not pinned: no older peer knows it"));
            continue;
        };
        let found = differences(pinned, &json);
        complaints.extend(found.iter().map(|found| format!("`{file}`: {found}")));
    }
    expect_none(&complaints);
}

#[test]
fn what_peers_of_the_last_release_send_can_be_read() {
    let samples = samples();
    let by_file: BTreeMap<_, _> = samples.iter().map(|s| (&s.file, s)).collect();
    assert_eq!(by_file.len(), samples.len(), "two samples have one name");
    let mut complaints = Vec::new();
    for (file, pinned) in &*PINNED {
        match by_file.get(file).map(|sample| sample.reread(pinned)) {
            Some(Ok(_)) => {}
            Some(Err(error)) => complaints.push(format!(
                "`{file}`: this release cannot read what an older peer sends: {error}"
            )),
            None => complaints.push(format!(
                "`{file}`: an older peer may still send this, and no type here reads it"
            )),
        }
    }
    expect_none(&complaints);
}

#[test]
fn fields_of_a_newer_peer_are_ignored() {
    let mut complaints = Vec::new();
    for sample in samples() {
        let mut newer = sample.json.clone();
        in_every_object(&mut newer, &|object| {
            object.insert("of_a_newer_release".to_owned(), json!({ "deep": [1] }));
        });
        complaints.extend(sample.complaint_about(&newer, "with fields that it does not know"));
    }
    expect_none(&complaints);
}

#[test]
fn what_is_null_may_be_left_out() {
    let mut complaints = Vec::new();
    for sample in samples() {
        let mut terse = sample.json.clone();
        in_every_object(&mut terse, &|object| {
            object.retain(|_, value| !value.is_null())
        });
        complaints.extend(sample.complaint_about(&terse, "without what is null"));
    }
    expect_none(&complaints);
}

/// Found in the sources: what can be read from JSON is there to cross the wire.
#[test]
fn every_wire_type_is_pinned() {
    let pinned: BTreeSet<_> = samples().into_iter().map(|sample| sample.of).collect();
    let mut complaints = Vec::new();
    for file in fs::read_dir(SOURCES).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        for name in wire_types(&source) {
            // It has no values.
            if name != "Never" && !pinned.contains(name.as_str()) {
                complaints.push(format!("`{name}` has no sample in samples.rs"));
            }
        }
    }
    expect_none(&complaints);
}

fn wire_types(source: &str) -> Vec<String> {
    let (mut names, mut derived) = (Vec::new(), false);
    for line in source.lines().filter(|line| !line.starts_with("use ")) {
        derived |= line.contains("Deserialize");
        let item = ["pub struct ", "pub enum "];
        if let Some(item) = item.iter().find_map(|item| line.strip_prefix(item)) {
            let name = item.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            if std::mem::take(&mut derived) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn in_every_object(value: &mut Value, change: &dyn Fn(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object
                .values_mut()
                .for_each(|of| in_every_object(of, change));
            change(object);
        }
        Value::Array(items) => items.iter_mut().for_each(|of| in_every_object(of, change)),
        _ => {}
    }
}
