//! The OpenAPI document against what is served.

mod answers;
mod hostile;
mod tour;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::{METHODS, TestShop, document, operations};

/// A path with something in place of each parameter.
fn concrete(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{module}" => "users",
        segment if segment.starts_with('{') => "0198c5a0-0000-7000-8000-000000000000",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// By the path that is meant: `/products/import` is no `/products/{id}`.
fn is_documented(operations: &[(&String, &String, &Value)], concrete: &str, method: &str) -> bool {
    let matches = |template: &str| {
        let pairs = || template.split('/').zip(concrete.split('/'));
        template.split('/').count() == concrete.split('/').count()
            && pairs().all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let known = operations.iter().filter(|(path, _, _)| matches(path));
    let meant = known
        .map(|(path, _, _)| path)
        .min_by_key(|path| path.matches('{').count());
    let mut of_method = operations.iter().filter(|(_, of, _)| *of == method);
    of_method.any(|(path, _, _)| Some(path) == meant)
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
