//! The OpenAPI document.

use serde_json::Value;

pub const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// As the program prints it.
pub fn document() -> Value {
    serde_json::to_value(cleave::openapi::document()).unwrap()
}

/// Path, method and description of every operation.
pub fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path, method, operation))
        })
        .filter(|(_, method, _)| METHODS.contains(&method.as_str()))
        .collect()
}
