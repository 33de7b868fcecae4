//! The OpenAPI document and a page to read it with, which needs nothing from elsewhere.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use platform::Problem;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::Config;

use crate::fallback::unknown_route;

const DOCUMENT: &str = "/api/v1/openapi.json";

/// Paths of the page, which the document does not name.
pub const PAGE_PATHS: [&str; 3] = ["/docs", "/docs/", "/docs/{file}"];

/// The page runs its own scripts only and talks to this server only. Its widgets style themselves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The document as it is served; app data.
struct Document(web::Bytes);

/// The document describes itself too. To be registered before the scope that its path lies in.
pub fn document_route(cfg: &mut ServiceConfig<'_>) {
    cfg.service(openapi_document);
}

/// The OpenAPI document
#[utoipa::path(
    tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
#[get("/api/v1/openapi.json")]
async fn openapi_document(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.0.clone())
}

/// What [`document_route`] answers, and the page.
pub fn serve(cfg: &mut web::ServiceConfig, document: &OpenApi) {
    // It is made of strings, numbers and lists, which always have a JSON form.
    let json = serde_json::to_vec(document).unwrap_or_default();
    let config = Config::new([DOCUMENT]).validator_url("none");
    cfg.app_data(web::Data::new(Document(json.into())))
        .app_data(web::Data::new(config))
        .service(web::redirect("/docs", "/docs/"))
        .service(index)
        .service(asset);
}

#[get("/docs/")]
async fn index(config: web::Data<Config<'static>>) -> Result<HttpResponse, Problem> {
    page_file("index.html", config)
}

#[get("/docs/{file}")]
async fn asset(
    file: web::Path<String>,
    config: web::Data<Config<'static>>,
) -> Result<HttpResponse, Problem> {
    page_file(&file, config)
}

fn page_file(name: &str, config: web::Data<Config<'static>>) -> Result<HttpResponse, Problem> {
    let file = utoipa_swagger_ui::serve(name, config.into_inner()).map_err(|error| {
        tracing::error!(%error, "a file of the documentation cannot be served");
        Problem::internal()
    })?;
    let file = file.ok_or_else(unknown_route)?;
    let mut response = HttpResponse::Ok();
    response.content_type(file.content_type.as_str());
    if file.content_type.starts_with("text/html") {
        response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    }
    Ok(response.body(file.bytes.into_owned()))
}
