//! What an operation answers because of its shape, said in one place: who may call it, whether it
//! has a body, parameters, an id in its path.

use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Required, Schema};

use super::{BASE_PATH, BEARER, problems};
use crate::access::{self, Who};

const JSON: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// Adds to every operation what handlers need not repeat.
pub fn finish(mut document: OpenApi) -> OpenApi {
    document.components.iter_mut().for_each(name_items);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            // A route without a line is nobody's until it has one; a test finds it.
            let who = access::who(method, path).unwrap_or(Who::Admin);
            operation.security = Some(security(who));
            if let ("PATCH", Some(RefOr::T(body))) = (method, &mut operation.request_body) {
                body.required = Some(Required::False);
            }
            if path.starts_with(BASE_PATH) {
                for (status, words) in refusals(operation, who) {
                    problems::add(operation, status, words);
                }
            }
            problems::complete(operation);
        }
    }
    document
}

/// A page is described with its items in full, though they have a name.
fn name_items(components: &mut Components) {
    let names: Vec<String> = components.schemas.keys().cloned().collect();
    for name in names {
        let of = name.strip_prefix("Page_").unwrap_or_default();
        if !components.schemas.contains_key(of) {
            continue;
        }
        if let Some(RefOr::T(Schema::Object(page))) = components.schemas.get_mut(&name)
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            let item = RefOr::Ref(Ref::from_schema_name(of));
            items.items = ArrayItems::RefOrSchema(Box::new(item));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn security(who: Who) -> Vec<SecurityRequirement> {
    let bearer = SecurityRequirement::new(BEARER, Vec::<String>::new());
    match who {
        Who::Anyone => Vec::new(),
        Who::Visitor => vec![SecurityRequirement::default(), bearer],
        Who::User | Who::Owner | Who::Admin | Who::AdminOverOwned => vec![bearer],
    }
}

/// Status and description; each code is named before it is explained.
fn refusals(operation: &Operation, who: Who) -> Vec<(u16, &'static str)> {
    let body = operation.request_body.as_ref().and_then(inline);
    let has_body = body.is_some();
    let json = body.is_some_and(|body| body.content.keys().any(|of| JSON.contains(&&**of)));
    let required = body.is_some_and(|body| matches!(body.required, Some(Required::True)));
    let has = |place: ParameterIn| {
        let parameters = operation.parameters.iter().flatten().filter_map(inline);
        parameters.into_iter().any(|one| one.parameter_in == place)
    };
    let (has_query, has_id) = (has(ParameterIn::Query), has(ParameterIn::Path));
    let parameters = operation.parameters.iter().flatten().filter_map(inline);
    let conditional = parameters.into_iter().any(|one| one.name == "If-Match");
    let signed_in = !matches!(who, Who::Anyone | Who::Visitor);
    let for_admins = matches!(who, Who::Admin | Who::AdminOverOwned);
    [
        (json, 400, "`malformed_json`: it is no JSON"),
        (json && required, 400, "`empty_body`: there is none"),
        (has_body, 400, "`unreadable_body`: it broke off"),
        (
            conditional,
            412,
            "`precondition_failed`: `If-Match` names another state",
        ),
        (signed_in, 401, "`missing_token`: sign in first"),
        (
            signed_in || who == Who::Visitor,
            401,
            "`invalid_token`: none, or none any more",
        ),
        (for_admins, 403, "`forbidden`: for administrators"),
        (has_id, 404, "`not_found`: there is none, or not for you"),
        (json, 408, "`request_timeout`: it did not come in time"),
        (
            has_body,
            413,
            "`body_too_large`: larger than this server accepts",
        ),
        (
            has_body,
            415,
            "`unsupported_media_type`: send one of those named here",
        ),
        (
            json || has_query,
            422,
            "`validation_failed`: `errors` names each field or parameter",
        ),
        (true, 429, "`too_many_requests`: see `Retry-After`"),
        (
            true,
            503,
            "`unavailable`: a part of the shop is away, see `Retry-After`",
        ),
        (
            true,
            503,
            "`deadline_exceeded`: it took too long, see `Retry-After`",
        ),
    ]
    .into_iter()
    .filter_map(|(applies, status, words)| applies.then_some((status, words)))
    .collect()
}

/// Nothing of ours stands elsewhere in the document but schemas.
fn inline<T>(either: &RefOr<T>) -> Option<&T> {
    match either {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}
