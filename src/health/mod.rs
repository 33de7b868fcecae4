//! Health for load balancers and operators: does the process answer, can it serve, what is wrong.

mod documents;
mod look;

use std::collections::BTreeMap;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, get, web};
use platform::db::Status;
use platform::problem::ProblemDocument;
use platform::{Problem, RequestContext};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::settings::Module;
use documents::{CacheHealth, ModuleHealth, ProcessHealth, Word};

pub use look::Health;

/// Unhealthy modules are 503 of themselves; of the process only when none is left. Without its cache it
/// is degraded.
fn process_status(modules: &BTreeMap<&'static str, ModuleHealth>, cache: &CacheHealth) -> Status {
    let statuses = || modules.values().map(|module| module.status);
    if statuses().all(|status| status == Status::Unhealthy) && !modules.is_empty() {
        return Status::Unhealthy;
    }
    match statuses().chain([cache.status]).max() {
        None | Some(Status::Healthy) => Status::Healthy,
        Some(_) => Status::Degraded,
    }
}

fn answer(status: Status, document: impl Serialize) -> HttpResponse {
    let code = match status {
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Status::Healthy | Status::Degraded => StatusCode::OK,
    };
    HttpResponse::build(code)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(document)
}

pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(process)
        .service(live)
        .service(ready)
        .service(of_module);
}

/// The process and its modules
#[utoipa::path(
    tag = "health",
    operation_id = "get_health",
    responses(
        (status = 200, description = "Healthy or degraded", body = ProcessHealth),
        (status = 503, description = "Unhealthy", body = ProcessHealth),
    ),
)]
#[get("/health")]
async fn process(health: web::Data<Health>, cx: RequestContext) -> HttpResponse {
    let (look, cache) = futures_util::join!(health.look(cx.vouched), health.look_at_cache());
    let modules: BTreeMap<_, _> = Module::ALL
        .into_iter()
        .filter_map(|module| Some((module.name(), health.module(module, &look)?)))
        .collect();
    let document = ProcessHealth {
        service: "cleave",
        version: env!("CARGO_PKG_VERSION"),
        status: process_status(&modules, &cache),
        modules,
        cache,
    };
    answer(document.status, document)
}

/// The process answers
#[utoipa::path(
    tag = "health",
    operation_id = "is_alive",
    responses((status = 200, description = "It answers", body = Word)),
)]
#[get("/health/live")]
async fn live() -> HttpResponse {
    answer(Status::Healthy, Word::HEALTHY)
}

/// Every hosted module can serve
#[utoipa::path(
    tag = "health",
    operation_id = "is_ready",
    responses(
        (status = 200, description = "Ready", body = Word),
        (status = 503, description = "`not_ready`: and why", body = ProblemDocument),
    ),
)]
#[get("/health/ready")]
async fn ready(health: web::Data<Health>) -> Result<HttpResponse, Problem> {
    match health.ready().await {
        Ok(()) => Ok(answer(Status::Healthy, Word::HEALTHY)),
        Err(reason) => Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason)
                .with_header(header::RETRY_AFTER, "1"),
        ),
    }
}

/// One module, its database and the modules it asks
#[utoipa::path(
    tag = "health",
    operation_id = "get_module_health",
    params(("module" = String, Path, description = "`users`, `products` or `orders`")),
    responses(
        (status = 200, description = "Healthy or degraded", body = ModuleHealth),
        (status = 404, description = "`not_found`: neither hosted here nor at a peer", body = ProblemDocument),
        (status = 503, description = "Unhealthy", body = ModuleHealth),
    ),
)]
#[get("/health/{module}")]
async fn of_module(
    health: web::Data<Health>,
    module: web::Path<String>,
    cx: RequestContext,
) -> Result<HttpResponse, Problem> {
    let named = Module::ALL
        .into_iter()
        .find(|known| known.name() == *module);
    let module = named.ok_or_else(|| Problem::not_found("module"))?;
    let look = health.look(cx.vouched).await;
    let document = health
        .module(module, &look)
        .ok_or_else(|| Problem::not_found("module in this process"))?;
    Ok(answer(document.status, document))
}
