//! The OpenAPI document against what is served.

mod answers;
mod schemas;
mod tour;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::TestShop;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::to_value(cleave::openapi::document()).unwrap()
}

/// Path, method and description of every operation.
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path, method, operation))
        })
        .filter(|(_, method, _)| METHODS.contains(&method.as_str()))
        .collect()
}

/// A path with something in place of each parameter.
fn concrete(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{module}" => "users",
        segment if segment.starts_with('{') => "0198c5a0-0000-7000-8000-000000000000",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Also by another path: `/products/import` is a `/products/{id}`.
fn is_documented(operations: &[(&String, &String, &Value)], concrete: &str, method: &str) -> bool {
    let matches = |template: &str| {
        let pairs = || template.split('/').zip(concrete.split('/'));
        template.split('/').count() == concrete.split('/').count()
            && pairs().all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let mut of_method = operations.iter().filter(|(_, of, _)| *of == method);
    of_method.any(|(template, _, _)| matches(template))
}

#[tokio::test]
async fn the_document_is_served_as_the_program_prints_it() {
    let shop = TestShop::open().await;
    let request = shop.request(Method::GET, "/api/v1/openapi.json");
    let served = shop.send(request).await.expect(200);
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    shop.close().await;
}

#[tokio::test]
async fn every_documented_operation_is_served_and_no_other() {
    let shop = TestShop::open().await;
    let document = document();
    let operations = operations(&document);
    let paths: BTreeSet<_> = operations.iter().map(|(path, _, _)| *path).collect();
    assert!(paths.len() >= 18, "{paths:?}");
    for path in paths {
        for method in METHODS {
            let documented = is_documented(&operations, &concrete(path), method);
            let name = method.to_uppercase();
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            let answer = shop.send(shop.request(method, &concrete(path))).await;
            let routed = answer.status != 405 && answer.json["code"] != "unknown_route";
            assert_eq!(routed, documented, "{name} {path}: {}", answer.text);
            if !documented {
                assert_eq!(answer.status, 405, "{name} {path}");
            }
        }
    }
    shop.close().await;
}

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
                (false, "204") => assert!(types.is_empty(), "{name}"),
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
