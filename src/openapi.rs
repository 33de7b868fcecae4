//! The OpenAPI document, made from the handlers that serve.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_actix_web::{AppExt, scope};

use crate::wiring;

/// Where every route of a module hangs.
pub const BASE_PATH: &str = "/api/v1";

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
    ),
    components(schemas(platform::problem::ProblemDocument)),
    modifiers(&Bearer),
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        if let Some(components) = &mut document.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        }
    }
}

/// What the document says besides routes.
pub fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The document of every module in this program.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(base())
        .configure(crate::health::routes)
        .service(scope(BASE_PATH).configure(wiring::documented_routes))
        .split_for_parts();
    document
}
