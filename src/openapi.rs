//! The OpenAPI document, made from the handlers that serve.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Content, Header, Object, OpenApi as OpenApiDocument, Ref, RefOr, Response, ResponseBuilder,
    Type,
};
use utoipa_actix_web::{AppExt, scope};

use crate::settings::Module;
use crate::wiring;

/// Where every route of a module hangs.
pub const BASE_PATH: &str = "/api/v1";

const PROBLEM: &str = "#/components/schemas/Problem";
const PROBLEM_TYPE: &str = "application/problem+json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cleave",
        description = "A commerce backend: users, products, orders.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "users", description = "Accounts and sign-in"),
        (name = "products", description = "Catalogue and stock"),
        (name = "orders", description = "Orders against the stock"),
        (name = "health", description = "For load balancers and operators"),
        (name = "documentation", description = "This document"),
    ),
    components(schemas(platform::problem::ProblemDocument)),
    modifiers(&Bearer),
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApiDocument) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        if let Some(components) = &mut document.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        }
    }
}

/// What the document says besides routes.
pub fn base() -> OpenApiDocument {
    Base::openapi()
}

/// The document of every module in this program.
pub fn document() -> OpenApiDocument {
    document_of(&Module::ALL)
}

/// The document of these modules, as far as they are in this program.
pub fn document_of(modules: &[Module]) -> OpenApiDocument {
    let (_, document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(base())
        .configure(crate::health::routes)
        .configure(crate::docs::document_route)
        .service(scope(BASE_PATH).configure(|cfg| wiring::documented_routes(modules, cfg)))
        .split_for_parts();
    finish(document)
}

/// Says what holds for every operation: problems have their own media type, refusals their headers,
/// and any request may be one too many.
pub fn finish(mut document: OpenApiDocument) -> OpenApiDocument {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            // Open to anybody, and meant so.
            operation.security.get_or_insert_default();
            let responses = &mut operation.responses.responses;
            if path.starts_with(BASE_PATH) {
                responses
                    .entry("429".to_owned())
                    .or_insert_with(|| RefOr::T(problem("`too_many_requests`")));
            }
            for (status, response) in responses {
                if let RefOr::T(response) = response {
                    finish_response(status, response);
                }
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn finish_response(status: &str, response: &mut Response) {
    let is_problem = response.content.values().any(|content| match content {
        RefOr::T(content) => {
            matches!(&content.schema, Some(RefOr::Ref(to)) if to.ref_location == PROBLEM)
        }
        RefOr::Ref(_) => false,
    });
    if !is_problem {
        return;
    }
    let content = response.content.drain(..).map(|(_, content)| content);
    response.content = content
        .map(|content| (PROBLEM_TYPE.to_owned(), content))
        .collect();
    let header = match status {
        "401" => ("WWW-Authenticate", "The challenge (RFC 6750, 3)"),
        "405" => ("Allow", "The methods that are right"),
        "429" | "503" => ("Retry-After", "In seconds"),
        _ => return,
    };
    let mut text = Header::new(Object::with_type(Type::String));
    text.description = Some(header.1.to_owned());
    let described = response.headers.entry(header.0.to_owned());
    described.or_insert(RefOr::T(text));
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::new(PROBLEM)));
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_TYPE, content)
        .build()
}
