//! What operators ask of a running process, on the private listener.

mod access;
pub mod reconcile;
mod topology;

use actix_web::web;

use crate::dials::Dials;

pub use access::{Operator, Operators};
pub use topology::{ModuleTopology, Topology};

pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(topology::topology)
        .service(topology::turn)
        .service(reconcile::run)
        .service(metrics);
}

/// Prometheus' text format.
#[actix_web::get("/metrics")]
async fn metrics(_: access::Scraper, dials: web::Data<Dials>) -> actix_web::HttpResponse {
    topology::measure(&dials);
    actix_web::HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(crate::metrics::render())
}
