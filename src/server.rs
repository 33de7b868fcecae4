//! The public listener: what every request passes on its way to a handler and back.

use std::net::IpAddr;
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{App, Error, HttpRequest, web};
use platform::Problem;
use platform::body::BodyLimit;
use platform::client::TrustedProxies;
use platform::conditional::tag_coding;
use platform::edge::{Edge, Voucher, X_REQUEST_ID, edge};
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::{AppExt, scope};

use crate::dials::Dials;
use crate::docs;
use crate::fallback::KnownPaths;
use crate::gateway::{Gateway, gateway};
use crate::health::{self, Health};
use crate::jwks;
use crate::limits::{RequestLimit, limit_requests};
use crate::listener::{Listener, Socket};
use crate::openapi::{self, BASE_PATH};
use crate::settings::{Network, Settings};
use crate::telemetry::RequestSpan;
use crate::traces;
use crate::wiring::Shop;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Handlers that read a body of any length, or one that takes its time; `*` is any segment.
pub const UNBOUNDED: [&str; 2] = ["/api/v1/products/import", "/api/v1/products/*/images"];

/// Serves the shop to everybody. The routes of modules that are elsewhere are sent on.
pub fn start(
    settings: &Settings,
    socket: Socket,
    tls: Option<ServerConfig>,
    shop: Shop,
    dials: Arc<Dials>,
    health: Arc<Health>,
    stopping: CancellationToken,
) -> std::io::Result<Listener> {
    let requests = TaskTracker::new();
    let at_the_edge = Arc::new(edge_of(settings, requests.clone(), None));
    let request_limit = RequestLimit::new(settings.limits.requests_per_second);
    let body_limit = body_limit(settings);
    let cors_origins = settings.server.cors_origins.clone();
    let document = openapi::document_of(&dials.modules());
    let known = Arc::new(KnownPaths::of(&document).and_read_only(&docs::PAGE_PATHS));
    let gateway_of = Arc::new(Gateway::new(dials, stopping));
    let tokens = web::Data::new(shop.tokens().clone());

    Listener::start(socket, tls, settings.server.workers, requests, move || {
        let (at_the_edge, request_limit) = (Arc::clone(&at_the_edge), Arc::clone(&request_limit));
        let (gateway_of, known) = (Arc::clone(&gateway_of), Arc::clone(&known));
        let names = Arc::clone(&known);
        let (app, _) = App::new()
            .into_utoipa_app()
            .app_data(body_limit)
            .app_data(web::Data::from(Arc::clone(&health)))
            .app_data(path_config())
            .configure(health::routes)
            .configure(docs::document_route)
            .app_data(tokens.clone())
            .configure(jwks::route)
            .service(scope(BASE_PATH).configure(|cfg| shop.routes(cfg)))
            .split_for_parts();
        app.configure(|cfg| docs::serve(cfg, &document))
            .default_service(web::to(move |request| refuse(Arc::clone(&known), request)))
            .wrap(from_fn(move |req, next| {
                gateway(Arc::clone(&gateway_of), req, next)
            }))
            .wrap(from_fn(move |req, next| {
                names_first(Arc::clone(&names), req, next)
            }))
            .wrap(Compress::default())
            .wrap(from_fn(one_tag_a_coding))
            .wrap(from_fn(move |req, next| {
                limit_requests(Arc::clone(&request_limit), req, next)
            }))
            .wrap(from_fn(one_vary))
            .wrap(cors(&cors_origins))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(move |req, next| {
                edge(Arc::clone(&at_the_edge), req, next)
            }))
    })
}

/// Must see answers after they were compressed.
async fn one_tag_a_coding<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut answer = next.call(req).await?;
    tag_coding(answer.headers_mut());
    Ok(answer)
}

/// Joins what each layer said into one header: the CORS layer adds to the first and drops the others.
async fn one_vary<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut answer = next.call(req).await?;
    let headers = answer.headers_mut();
    if headers.get_all(header::VARY).count() > 1 {
        let values: Vec<&[u8]> = headers
            .get_all(header::VARY)
            .map(HeaderValue::as_bytes)
            .collect();
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(&b", "[..])) {
            headers.insert(header::VARY, joined);
        }
    }
    Ok(answer)
}

/// What answers where no route does.
pub async fn refuse(known: Arc<KnownPaths>, request: HttpRequest) -> Result<web::Bytes, Problem> {
    Err(known.refuse(request.path()))
}

/// `voucher` knows the requests of peers.
pub fn edge_of(settings: &Settings, requests: TaskTracker, voucher: Option<Voucher>) -> Edge {
    let networks = settings.server.trusted_proxies.clone();
    let is_proxy = move |ip: IpAddr| {
        networks
            .iter()
            .any(|network: &Network| network.contains(ip))
    };
    Edge {
        deadline: settings.server.request_deadline,
        unbounded: UNBOUNDED.to_vec(),
        trusted_proxies: TrustedProxies::new(is_proxy),
        voucher,
        told: traces::told,
        requests,
    }
}

pub fn body_limit(settings: &Settings) -> BodyLimit {
    BodyLimit(settings.limits.body_bytes.map_or(0, |bytes| bytes.get()))
}

/// A malformed id names nothing.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| Problem::not_found("resource").into())
}

async fn names_first<B: MessageBody + 'static>(
    known: Arc<KnownPaths>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match known.refuse_by_name(req.method().as_str(), req.path()) {
        Some(problem) => Ok(req.error_response(problem).map_into_right_body()),
        None => Ok(next.call(req).await?.map_into_left_body()),
    }
}

/// Denies foreign origins unless they are configured.
fn cors(origins: &[String]) -> Cors {
    let mut cors = Cors::default();
    for origin in origins {
        cors = match origin.as_str() {
            "*" => cors.allow_any_origin(),
            origin => cors.allowed_origin(origin),
        };
    }
    if origins.is_empty() {
        return cors.block_on_origin_mismatch(false);
    }
    cors.allow_any_method()
        .allow_any_header()
        .expose_headers([
            header::LOCATION,
            header::ETAG,
            header::RETRY_AFTER,
            X_REQUEST_ID,
            IDEMPOTENT_REPLAYED,
        ])
        .max_age(3600)
}
