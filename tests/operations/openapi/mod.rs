//! The OpenAPI document in itself.

mod schemas;

use std::collections::BTreeSet;

use crate::support::{document, operations};

#[test]
fn operations_are_named_and_described_in_full() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect(&name);
        assert!(ids.insert(id), "{name}: another operation is {id} too");
        assert!(operation["summary"].is_string(), "{name}: no summary");
        let tag = operation["tags"][0].as_str().expect(&name);
        let tags = document["tags"].as_array().unwrap();
        assert!(tags.iter().any(|known| known["name"] == tag), "{name}");

        let responses = operation["responses"].as_object().unwrap();
        let has = |status: &str| responses.contains_key(status);
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name}: no success"
        );
        if !operation["security"].as_array().expect(&name).is_empty() {
            assert!(has("401"), "{name}: no 401");
        }
        if operation.get("requestBody").is_some() {
            for status in ["400", "413", "415", "422"] {
                assert!(has(status), "{name}: no {status}");
            }
        }
        for (status, response) in responses {
            let name = format!("{name} {status}");
            assert!(
                response["description"].is_string(),
                "{name}: no description"
            );
            let is_problem = status.as_str() >= "400" && !path.starts_with("/health");
            let content = response["content"].as_object();
            let types: Vec<_> = content.iter().flat_map(|c| c.keys()).collect();
            match (is_problem, status.as_str()) {
                (true, _) => assert_eq!(types, ["application/problem+json"], "{name}"),
                (false, "204" | "304") => assert!(types.is_empty(), "{name}"),
                (false, _) => assert!(!types.is_empty(), "{name}: no body"),
            }
        }
        let template = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next());
        let parameters = operation["parameters"].as_array();
        let in_path = parameters.into_iter().flatten();
        let in_path = in_path.filter(|parameter| parameter["in"] == "path");
        let documented: BTreeSet<_> = in_path.filter_map(|p| p["name"].as_str()).collect();
        assert_eq!(documented, template.collect(), "{name}");
    }
}
