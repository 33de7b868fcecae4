//! The private listener: peers call the ports and send requests on, operators look and turn.
//! Everything here is answered by this process itself, never sent on, so that nothing goes in
//! circles.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpMessage, HttpResponse, web};
use platform::edge::{Vouched, edge};
use platform::{Problem, RequestContext};
use ports_http::wire::{X_DEADLINE, X_SERVICE};
use ports_http::{Handshake, ServiceTokens};
use tokio_util::task::TaskTracker;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::{AppExt, scope};

use crate::dials::Dials;
use crate::fallback::KnownPaths;
use crate::health::{self, Health};
use crate::limits::{RequestLimit, limit_requests};
use crate::listener::{Listener, Socket};
use crate::openapi::{self, BASE_PATH};
use crate::ops::reconcile::{self, Auditor};
use crate::ops::{self, Operators, Watched};
use crate::server::{body_limit, edge_of, path_config, refuse};
use crate::settings::Settings;
use crate::telemetry::RequestSpan;
use crate::wiring::Shop;

/// The largest request of a port.
const CALL_BYTES: usize = 4 << 20;

/// Of the document, what is for everybody.
const PUBLIC_ONLY: [&str; 2] = ["/.well-known/jwks.json", "/api/v1/openapi.json"];

/// Serves peers and operators.
pub fn start(
    settings: &Settings,
    socket: Socket,
    operators: Operators,
    auditor: Auditor,
    shop: Shop,
    dials: Arc<Dials>,
    health: Arc<Health>,
) -> std::io::Result<Listener> {
    let requests = TaskTracker::new();
    let tokens = Arc::clone(dials.tokens());
    let voucher = {
        let tokens = Arc::clone(&tokens);
        Arc::new(move |headers: &HeaderMap| vouched(&tokens, headers))
    };
    let mut at_the_edge = edge_of(settings, requests.clone(), Some(voucher));
    at_the_edge.unbounded.push(reconcile::PATH);
    let at_the_edge = Arc::new(at_the_edge);
    let request_limit = RequestLimit::new(settings.limits.requests_per_second);
    let body_limit = body_limit(settings);
    let hosted: Vec<_> = settings.hosted().collect();
    let known = KnownPaths::of(&openapi::document_of(&hosted));
    let known = Arc::new(known.without(&PUBLIC_ONLY).and_private());
    let (operators, auditor) = (web::Data::new(operators), web::Data::new(auditor));
    let outboxes = web::Data::new(shop.outboxes());
    let watched = web::Data::new(Watched::new(shop.stores()));

    Listener::start(socket, None, settings.server.workers, requests, move || {
        let (at_the_edge, request_limit) = (Arc::clone(&at_the_edge), Arc::clone(&request_limit));
        let (tokens, known) = (Arc::clone(&tokens), Arc::clone(&known));
        let (app, _) = App::new()
            .into_utoipa_app()
            .app_data(body_limit)
            .app_data(web::Data::from(Arc::clone(&health)))
            .app_data(web::Data::from(Arc::clone(&dials)))
            .app_data(operators.clone())
            .app_data(auditor.clone())
            .app_data(outboxes.clone())
            .app_data(watched.clone())
            .app_data(path_config())
            .configure(health::routes)
            .service(scope(BASE_PATH).configure(|cfg| shop.routes(cfg)))
            .split_for_parts();
        let internal = web::scope("")
            .app_data(web::PayloadConfig::new(CALL_BYTES))
            .guard(actix_web::guard::fn_guard(|cx| {
                cx.head().uri.path().starts_with("/internal/")
            }))
            .wrap(from_fn(move |req, next| {
                peers_only(Arc::clone(&tokens), req, next)
            }))
            .service(handshake)
            .configure(|cfg| shop.internal_routes(cfg));
        app.service(internal)
            .configure(ops::routes)
            .default_service(web::to(move |request| refuse(Arc::clone(&known), request)))
            .wrap(from_fn(move |req, next| {
                limit_strangers(Arc::clone(&request_limit), req, next)
            }))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(move |req, next| {
                edge(Arc::clone(&at_the_edge), req, next)
            }))
    })
}

/// What a peer says of a request that it sends on, when it shows a service token.
fn vouched(tokens: &ServiceTokens, headers: &HeaderMap) -> Option<Vouched> {
    let text = |name| headers.get(name)?.to_str().ok();
    text(X_SERVICE).filter(|token| tokens.verify(token))?;
    let budget = text(X_DEADLINE).and_then(|millis| millis.parse().ok());
    Some(Vouched {
        client: text("x-forwarded-for").and_then(|client| client.parse::<IpAddr>().ok()),
        budget: budget.map(Duration::from_millis),
    })
}

/// A request that a peer sends on was counted there.
async fn limit_strangers<B: MessageBody + 'static>(
    limit: Arc<RequestLimit>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let context = req.extensions().get::<RequestContext>().cloned();
    let a_peers = context.is_some_and(|context| context.vouched);
    if !a_peers && req.headers().contains_key(X_SERVICE) {
        tracing::warn!("a service token is not ours: internal.secret differs, or the clocks do");
    }
    match a_peers || !req.path().starts_with(BASE_PATH) {
        true => Ok(next.call(req).await?.map_into_left_body()),
        false => limit_requests(limit, req, next).await,
    }
}

async fn peers_only<B: MessageBody>(
    tokens: Arc<ServiceTokens>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let shown = req.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.to_str().ok());
    if shown.is_some_and(|token| tokens.verify(token)) {
        return Ok(next.call(req).await?.map_into_left_body());
    }
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "Only other processes of this shop are answered here.",
    );
    let problem = problem.with_header(header::WWW_AUTHENTICATE, "Bearer");
    Ok(req.error_response(problem).map_into_right_body())
}

#[actix_web::get("/internal/handshake")]
async fn handshake(health: web::Data<Health>) -> HttpResponse {
    let handshake: Handshake = health.handshake().await;
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(handshake)
}
