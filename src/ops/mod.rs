//! What operators ask of a running process, on the private listener.

mod access;
mod console;
mod databases;
mod events;
pub mod reconcile;
mod statements;
mod topology;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::dials::Dials;

pub use access::{Operator, Operators};
pub use databases::{DatabasesReport, MigrationState, ModuleDatabase, Watched};
pub use events::{EventsReport, HostedOutbox, ModuleEvents, Outboxes, Replayed};
pub use topology::{ModuleTopology, Topology};

pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(topology::topology)
        .service(topology::turn)
        .service(databases::databases)
        .service(reconcile::run)
        .service(events::events)
        .service(events::parked)
        .service(events::replay)
        .service(events::replay_all)
        .service(metrics)
        .configure(console::routes);
}

fn answer(document: impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(document)
}

/// Prometheus' text format.
#[actix_web::get("/metrics")]
async fn metrics(
    _: access::Scraper,
    dials: web::Data<Dials>,
    watched: web::Data<Watched>,
) -> actix_web::HttpResponse {
    topology::measure(&dials);
    watched.measure();
    actix_web::HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(crate::metrics::render())
}
