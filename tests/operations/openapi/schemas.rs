use std::collections::BTreeMap;

use serde_json::Value;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::support::document;

#[test]
fn every_reference_resolves_and_every_schema_is_one() {
    let document = document();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect(reference);
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            panic!("{name}: {error}");
        }
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

type Routes = fn(&mut ServiceConfig<'_>);

/// Two types of one name would describe each other's values.
#[test]
fn no_two_modules_give_one_name_to_different_schemas() {
    let parts: [(&str, Routes); 4] = [
        ("health", cleave::health::routes),
        ("users", users::routes),
        ("products", products::routes),
        ("orders", orders::routes),
    ];
    let mut named = BTreeMap::new();
    for (part, routes) in parts {
        let app = actix_web::App::new().into_utoipa_app().configure(routes);
        let (_, document) = app.split_for_parts();
        for (name, schema) in document.components.unwrap().schemas {
            let shape = shape(serde_json::to_value(schema).unwrap());
            let (first, known) = named.entry(name.clone()).or_insert((part, shape.clone()));
            assert_eq!(*known, shape, "{name} of {first} and of {part}");
        }
    }
}

/// A schema without its prose.
fn shape(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            // Else these are names of properties.
            if members.get("type").is_some_and(|of| !of.is_object()) {
                for prose in ["description", "example", "minimum"] {
                    members.remove(prose);
                }
            }
            for member in members.values_mut() {
                *member = shape(member.take());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = shape(item.take())),
        _ => {}
    }
    schema
}
