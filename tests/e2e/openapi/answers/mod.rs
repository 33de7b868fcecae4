//! Real answers against the schemas that the OpenAPI document promises.

mod orders;
mod products;
mod users;

use std::collections::BTreeSet;

use serde_json::Value;

use super::tour::Tour;
use crate::support::{TestShop, document};

#[tokio::test]
async fn real_answers_are_what_the_document_says() {
    let shop = TestShop::open().await;
    let document = document();
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let mut tour = Tour {
        shop,
        document,
        covered: Vec::new(),
    };
    users::users(&mut tour, &ada).await;
    users::own(&mut tour, &ada).await;
    let product = products::products(&mut tour, &admin, &ada).await;
    let webhook = orders::webhook(&mut tour, &admin).await;
    orders::orders(&mut tour, &ada, &product).await;
    orders::steps(&mut tour, &admin, &ada, &product).await;
    orders::deliveries(&mut tour, &admin, &webhook).await;
    users::accounts(&mut tour, &admin, &ada).await;
    for path in [
        "",
        "/live",
        "/ready",
        "/{module=orders}",
        "/{module=nothing}",
    ] {
        tour.ask(None, &format!("GET /health{path}"), Value::Null)
            .await;
    }
    tour.ask(None, "GET /api/v1/openapi.json", Value::Null)
        .await;
    tour.ask(None, "GET /.well-known/jwks.json", Value::Null)
        .await;

    let covered = tour.covered.iter().filter_map(|name| name.rsplit_once(' '));
    let operations: BTreeSet<_> = covered.map(|(operation, _)| operation).collect();
    let paths = tour.document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            let operation = format!("{method} {path}");
            assert!(
                operations.contains(operation.as_str()),
                "the tour leaves out {operation}"
            );
        }
    }
    tour.shop.close().await;
}
