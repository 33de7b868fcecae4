//! Refusals in the document. Their descriptions name each code before explaining it,
//! "`sku_taken`: another product has it; `category_cycle`: …", and each code becomes an example.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::example::Example;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, Header, Object, Ref, RefOr, Response, ResponseBuilder, Type};

const PROBLEM: &str = "#/components/schemas/Problem";
const PROBLEM_TYPE: &str = "application/problem+json";

/// Adds a refusal, beside what the handler says of that status.
pub fn add(operation: &mut Operation, status: u16, words: &str) {
    let responses = &mut operation.responses.responses;
    let response = responses
        .entry(status.to_string())
        .or_insert_with(|| RefOr::T(problem("")));
    let RefOr::T(response) = response else { return };
    let known = codes(&response.description);
    if !is_problem(response)
        || codes(words)
            .iter()
            .all(|(code, _)| known.iter().any(|(k, _)| k == code))
    {
        return;
    }
    if !response.description.is_empty() {
        response.description.push_str("; ");
    }
    response.description.push_str(words);
}

/// Gives each refusal its media type, its headers and an example of each code.
pub fn complete(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if !is_problem(response) {
            continue;
        }
        let headers = std::mem::take(&mut response.headers);
        *response = problem(&response.description);
        response.headers = headers;
        let status: u16 = status.parse().unwrap_or_default();
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content {
                content.examples = examples(status, &response.description);
            }
        }
        if let Some((name, description)) = header(status) {
            let mut header = Header::new(Object::with_type(Type::String));
            header.description = Some(description.to_owned());
            response
                .headers
                .entry(name.to_owned())
                .or_insert(RefOr::T(header));
        }
    }
}

fn is_problem(response: &Response) -> bool {
    response.content.values().any(|content| match content {
        RefOr::T(content) => {
            matches!(&content.schema, Some(RefOr::Ref(to)) if to.ref_location == PROBLEM)
        }
        RefOr::Ref(_) => false,
    })
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::new(PROBLEM)));
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_TYPE, content)
        .build()
}

fn header(status: u16) -> Option<(&'static str, &'static str)> {
    match status {
        401 => Some(("WWW-Authenticate", "The challenge (RFC 6750, 3)")),
        429 | 503 => Some(("Retry-After", "In seconds")),
        _ => None,
    }
}

/// The codes that a description names, each with its explanation.
fn codes(description: &str) -> Vec<(&str, &str)> {
    description
        .split("; ")
        .filter_map(|part| {
            let (code, rest) = part.strip_prefix('`')?.split_once('`')?;
            let words = rest.strip_prefix(": ").unwrap_or(rest);
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            code.chars().all(is_word).then_some((code, words))
        })
        .collect()
}

fn examples(status: u16, description: &str) -> BTreeMap<String, RefOr<Example>> {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason());
    let example = |(code, words): (&str, &str)| {
        let mut value = json!({
            "type": "about:blank",
            "title": title.unwrap_or("Error"),
            "status": status,
            "detail": words,
            "instance": "/api/v1/…",
            "code": code,
            "request_id": "0198c5a0-0000-7000-8000-000000000000",
        });
        if code == "validation_failed" {
            value["errors"] = json!([{ "field": "…", "message": "…" }]);
        }
        let mut example = Example::new();
        example.summary = words.to_owned();
        example.value = Some(value);
        (code.to_owned(), RefOr::T(example))
    };
    codes(description).into_iter().map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_its_codes_first() {
        let codes = codes("`sku_taken`: another has it; `stock_in_use`; nothing; `products: […]`");
        assert_eq!(
            codes,
            [("sku_taken", "another has it"), ("stock_in_use", "")]
        );
    }
}
