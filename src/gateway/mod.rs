//! The public routes of modules that are elsewhere: sent on, both ways as they come.

mod body;
mod events;
mod forward;
mod shadow;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use platform::edge::IDENTITY;
use platform::{Problem, RequestContext};
use ports_http::{Dial, Fault, Kind, Peer, Repeat, Route, Side};
use tokio_util::sync::CancellationToken;
use trace::Span;

use crate::dials::Dials;
use crate::openapi::BASE_PATH;
use crate::settings::Module;

/// Sends requests where the dials say.
pub struct Gateway {
    dials: Arc<Dials>,
    /// Ends event streams.
    stopping: CancellationToken,
}

/// Whose the path is, by its first segment below `/api/v1`.
pub const PREFIXES: [(&str, Module); 8] = [
    ("auth", Module::Users),
    ("users", Module::Users),
    ("products", Module::Products),
    ("categories", Module::Products),
    ("media", Module::Products),
    ("orders", Module::Orders),
    ("cart", Module::Orders),
    ("webhooks", Module::Orders),
];

/// The module that answers at this path.
pub fn module_at(path: &str) -> Option<Module> {
    let below = path.strip_prefix(BASE_PATH)?.strip_prefix('/')?;
    let first = below.split('/').next()?;
    let found = PREFIXES.iter().find(|(prefix, _)| *prefix == first);
    found.map(|(_, module)| *module)
}

impl Gateway {
    pub fn new(dials: Arc<Dials>, stopping: CancellationToken) -> Self {
        Self { dials, stopping }
    }

    /// By the path as the router sees it, so that both agree however it is encoded.
    fn dial(&self, req: &ServiceRequest) -> Option<&Arc<Dial>> {
        self.dials.get(module_at(req.match_info().as_str())?)
    }
}

type Answer<B> = Result<ServiceResponse<EitherBody<B, BoxBody>>, Error>;

/// For `actix_web::middleware::from_fn`; wrap it first, so that it is the innermost.
pub async fn gateway<B: MessageBody + 'static>(
    gateway: Arc<Gateway>,
    mut req: ServiceRequest,
    next: Next<B>,
) -> Answer<B> {
    let Some(dial) = gateway.dial(&req) else {
        return Ok(next.call(req).await?.map_into_left_body());
    };
    // CONNECT names no path to a peer, and an answer to TRACE would show what we say there.
    if [Method::CONNECT, Method::TRACE].contains(req.method()) {
        return Ok(next.call(req).await?.map_into_left_body());
    }
    let dial = Arc::clone(dial);
    let repeat = match *req.method() {
        Method::GET => Repeat::Safe,
        _ => Repeat::Once,
    };
    match dial.route(repeat == Repeat::Safe) {
        Route::Local => here(&dial, req, next).await,
        Route::Nowhere => Ok(req
            .error_response(Problem::unavailable())
            .map_into_right_body()),
        Route::Remote(peer) => {
            let sent = there(&dial, &peer, &mut req, None).await;
            Ok(gateway.answered(req, &peer, sent))
        }
        Route::Canary(peer) => match there(&dial, &peer, &mut req, try_for(&peer, repeat)).await {
            Err(fault) if fault.may_be_answered_here(repeat) => {
                tracing::warn!(module = dial.module(), %fault, "canary: answering here");
                here(&dial, req, next).await
            }
            sent => Ok(gateway.answered(req, &peer, sent)),
        },
        Route::Shadowed(peer) => {
            let question = forward::Question::of(&req);
            let answer = here(&dial, req, next).await?;
            shadow::compare(dial, peer, question, answer).await
        }
    }
}

/// A read that the peer does not answer is answered here, for which there must be time.
fn try_for(peer: &Peer, repeat: Repeat) -> Option<Duration> {
    (repeat == Repeat::Safe).then(|| peer.call_timeout())
}

async fn here<B: MessageBody + 'static>(
    dial: &Dial,
    req: ServiceRequest,
    next: Next<B>,
) -> Answer<B> {
    let start = Instant::now();
    let answer = next.call(req).await;
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    measure(dial, Side::Local, Some(status), start);
    Ok(answer?.map_into_left_body())
}

async fn there(
    dial: &Dial,
    peer: &Arc<Peer>,
    req: &mut ServiceRequest,
    patience: Option<Duration>,
) -> Result<HttpResponse, Fault> {
    let start = Instant::now();
    let mut told = begin(dial, peer, req);
    let answer = forward::forward(peer, req, patience, told.context()).await;
    let status = match &answer {
        Ok(response) => Some(response.status()),
        Err(_) => None,
    };
    match &answer {
        Ok(response) => told.set("http.response.status_code", response.status().as_u16()),
        Err(fault) => told.fail(fault),
    }
    drop(told);
    measure(dial, Side::Remote, status, start);
    answer
}

fn begin(dial: &Dial, peer: &Peer, req: &ServiceRequest) -> Span {
    let extensions = req.extensions();
    let cause = extensions.get::<RequestContext>().map(|cx| cx.trace);
    let name = format_args!("{} to {}", req.method(), dial.module());
    let mut span = Span::begin(trace::Kind::Client, cause, name);
    span.set("cleave.module", dial.module());
    span.set("cleave.side", Side::Remote.name());
    span.set("server.address", format_args!("{}", peer.url()));
    span
}

/// Without a status nobody answered, which took no time that tells of the side.
fn measure(dial: &Dial, side: Side, status: Option<StatusCode>, start: Instant) {
    let took = start.elapsed();
    if status.is_some() {
        dial.measure(Kind::Request, side, took);
    }
    metrics::histogram!(
        "cleave_request_seconds",
        "module" => dial.module(),
        "side" => side.name(),
        "status" => status.map_or_else(|| "none".to_owned(), |status| status.as_str().to_owned()),
    )
    .record(took);
}

impl Gateway {
    /// A problem goes as an error, so that the edge completes it.
    fn answered<B>(
        &self,
        req: ServiceRequest,
        peer: &Peer,
        sent: Result<HttpResponse, Fault>,
    ) -> ServiceResponse<EitherBody<B, BoxBody>> {
        let response = match sent {
            Ok(response) => req.into_response(self.as_rendered_here(response)),
            Err(fault) => req.error_response(refusal(peer, &fault)),
        };
        response.map_into_right_body()
    }

    /// The edge renders the problems of this process past the compression; those of a peer go with
    /// them. So do event streams, which would wait in it.
    fn as_rendered_here(&self, mut answer: HttpResponse) -> HttpResponse {
        let is_events = events::is_event_stream(&answer);
        let headers = answer.headers_mut();
        let kind = headers.get(header::CONTENT_TYPE);
        if is_events || kind.is_some_and(|kind| kind == "application/problem+json") {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(IDENTITY));
        }
        match is_events {
            true => events::until(&self.stopping, answer),
            false => answer,
        }
    }
}

/// A peer that gives no answer is as a database that gives none.
fn refusal(peer: &Peer, fault: &Fault) -> Problem {
    tracing::warn!(module = peer.module(), peer = peer.url(), %fault, "a request could not be sent on");
    match fault {
        Fault::TimedOut => Problem::deadline_exceeded(),
        Fault::ClientSlow => Problem::request_timeout(),
        Fault::ClientGone => Problem::bad_request("bad_request", "The request could not be read."),
        _ => Problem::unavailable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi;

    #[test]
    fn every_documented_route_has_its_module() {
        for module in Module::ALL {
            for path in openapi::document_of(&[module]).paths.paths.keys() {
                let routed = module_at(path);
                let own = ["/health", "/.well-known/", "/api/v1/openapi.json"];
                let own = own.iter().any(|own| path.starts_with(own));
                assert_eq!(routed, (!own).then_some(module), "{path}");
            }
        }
    }

    #[test]
    fn a_prefix_is_a_whole_segment() {
        assert_eq!(module_at("/api/v1/orders"), Some(Module::Orders));
        assert_eq!(module_at("/api/v1/orders/1/cancel"), Some(Module::Orders));
        for path in [
            "/api/v1/ordersx",
            "/api/v1",
            "/api/v1/",
            "/orders",
            "/api/v1//orders",
        ] {
            assert_eq!(module_at(path), None, "{path}");
        }
    }
}
