//! docs/asyncapi.yaml against the events that there are.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

const WIRE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/modules/ports/wire");

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_yaml_ng::from_str(include_str!("../../../docs/asyncapi.yaml")).unwrap());

fn messages() -> impl Iterator<Item = (&'static String, &'static Value)> {
    DOCUMENT["components"]["messages"]
        .as_object()
        .unwrap()
        .iter()
}

/// Of the payload of one type.
fn validator(of_type: &str) -> Validator {
    let payload = &DOCUMENT["components"]["messages"][of_type]["payload"];
    assert!(payload["$ref"].is_string(), "{of_type} is not described");
    let schema = json!({ "$ref": payload["$ref"], "components": DOCUMENT["components"] });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// An entry, its `data` read.
#[track_caller]
pub fn expect_described(entry: &Value) {
    let of_type = entry["type"].as_str().unwrap();
    if let Err(error) = validator(of_type).validate(entry) {
        panic!("{error}: {entry}");
    }
    let described = &DOCUMENT["components"]["messages"][of_type]["examples"][0]["payload"];
    let fields = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for (real, example) in [(entry, described), (&entry["data"], &described["data"])] {
        assert_eq!(fields(real), fields(example), "the fields of {of_type}");
    }
}

/// The pinned forms of every type of event; the ports' own tests see that none is missing.
fn pinned() -> Vec<Value> {
    let files = fs::read_dir(WIRE).unwrap().map(|file| file.unwrap().path());
    let of_bodies = files.filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("event_body.")
    });
    let forms = of_bodies.map(|path| {
        let text = fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    forms.collect()
}

#[test]
fn every_type_of_event_is_described_as_it_is_sent() {
    let mut types = BTreeSet::new();
    for mut form in pinned() {
        let data = form["data"].as_object().unwrap();
        let aggregate = data
            .get("order_id")
            .or(data.get("user_id"))
            .unwrap()
            .clone();
        form["id"] = json!("01937f6e-0000-7000-8000-000000000007");
        form["occurred_at"] = json!("2026-11-22T10:00:00.123456Z");
        form["aggregate_id"] = aggregate;
        expect_described(&form);
        types.insert(form["type"].as_str().unwrap().to_owned());
        for missing in ["id", "type", "occurred_at", "aggregate_id", "data"] {
            let mut less = form.clone();
            less.as_object_mut().unwrap().remove(missing);
            let of_type = form["type"].as_str().unwrap();
            assert!(
                !validator(of_type).is_valid(&less),
                "{of_type} without {missing}"
            );
        }
    }
    let described: BTreeSet<String> = messages().map(|(name, _)| name.clone()).collect();
    assert_eq!(described, types);
}

#[test]
fn examples_are_what_they_illustrate() {
    for (name, message) in messages() {
        assert_eq!(message["name"], **name);
        for example in message["examples"].as_array().unwrap() {
            assert_eq!(example["payload"]["type"], **name);
            expect_described(&example["payload"]);
        }
    }
}

#[test]
fn the_document_is_whole() {
    assert_eq!(DOCUMENT["asyncapi"], "3.0.0");
    let mut sent = BTreeSet::new();
    for (module, channel) in DOCUMENT["channels"].as_object().unwrap() {
        assert_eq!(channel["address"], platform::stream::key(module));
        sent.extend(channel["messages"].as_object().unwrap().keys().cloned());
        let pointer = format!("#/channels/{module}");
        let operations = DOCUMENT["operations"].as_object().unwrap();
        let served = operations.values().any(|operation| {
            operation["channel"]["$ref"] == pointer && operation["action"] == "send"
        });
        assert!(served, "nobody sends to {module}");
    }
    assert_eq!(sent, messages().map(|(name, _)| name.clone()).collect());
    let mut references = Vec::new();
    collect_references(&DOCUMENT, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|v| collect_references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| collect_references(v, found)),
        _ => {}
    }
}
