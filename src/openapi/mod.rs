//! The OpenAPI document, made from the handlers that serve.

mod finish;
mod problems;

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_actix_web::{AppExt, scope};

use crate::settings::Module;
use crate::wiring;

pub use finish::finish;

/// Where every route of a module hangs.
pub const BASE_PATH: &str = "/api/v1";

/// The name of the one security scheme.
const BEARER: &str = "bearer";

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
        bearer.description = Some("The access token of a sign-in".to_owned());
        if let Some(components) = &mut document.components {
            components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
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
        .configure(crate::jwks::route)
        .service(scope(BASE_PATH).configure(|cfg| wiring::documented_routes(modules, cfg)))
        .split_for_parts();
    finish(document)
}
