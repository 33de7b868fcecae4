//! One request, sent on and answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpResponse};
use http::header::{HeaderName, HeaderValue};
use hyper::body::Incoming;
use platform::RequestContext;
use platform::edge::is_one_of;
use ports_http::wire::{TRACEPARENT, X_DEADLINE, X_REQUEST_ID, X_SERVICE};
use ports_http::{Body, Fault, Peer};
use trace::Context;

use super::body::{Upload, answer_body};
use crate::server::UNBOUNDED;

/// Of the connection, not of the message (RFC 9110, 7.6.1); lengths are made anew.
const OF_THE_CONNECTION: [&str; 10] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What this listener agrees with its clients by itself, and what nobody may say for it.
const NOT_ASKED: [&str; 7] = [
    "accept-encoding",
    "expect",
    "forwarded",
    "host",
    "x-real-ip",
    X_REQUEST_ID,
    TRACEPARENT,
];
const NOT_ANSWERED: [&str; 3] = ["date", "server", X_REQUEST_ID];
const OUR_PREFIXES: [&str; 2] = ["x-cleave-", "x-forwarded-"];

/// What is left of the deadline must do for an answer that nobody gives, too.
const MARGIN: Duration = Duration::from_millis(50);

/// The head of a request, as it is sent on.
pub struct Question {
    pub head: http::request::Builder,
    pub path_and_query: String,
    pub context: Option<RequestContext>,
    bounded: bool,
}

impl Question {
    pub fn of(req: &ServiceRequest) -> Self {
        let context = req.extensions().get::<RequestContext>().cloned();
        let mut head = http::Request::builder().method(req.method().as_str());
        if let Some(headers) = head.headers_mut() {
            copy_asked(req.headers(), headers);
            introduce(req, context.as_ref(), headers);
        }
        let uri = &req.head().uri;
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            head,
            path_and_query: path_and_query.to_owned(),
            context,
            bounded: !is_one_of(&UNBOUNDED, req.path()),
        }
    }

    /// Sent on under a span of its own.
    fn traced(mut self, trace: Option<Context>) -> Self {
        let headers = self.head.headers_mut();
        let trace = trace.and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok());
        if let (Some(headers), Some(trace)) = (headers, trace) {
            headers.insert(HeaderName::from_static(TRACEPARENT), trace);
        }
        self
    }

    /// Until when it may wait for its turn.
    fn deadline(&self) -> Instant {
        let deadline = self.context.as_ref().map(|context| context.deadline);
        deadline.unwrap_or_else(Instant::now)
    }

    /// The request to this peer, and how long its answer may take.
    pub fn to(
        self,
        peer: &Peer,
        body: Body,
    ) -> Result<(http::Request<Body>, Option<Duration>), Fault> {
        let deadline = self.context.filter(|_| self.bounded).map(|cx| cx.deadline);
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let patience = left.map(|left| left.saturating_sub(MARGIN));
        let mut head = self.head.uri(peer.uri(&self.path_and_query)?);
        head = head.header(X_SERVICE, peer.bearer()?);
        if let Some(patience) = patience {
            head = head.header(X_DEADLINE, patience.as_millis().to_string());
        }
        let request = head.body(body);
        let request = request.map_err(|error| Fault::Broken(error.to_string()))?;
        Ok((request, patience))
    }
}

/// Says who asks, and of whom.
fn introduce(
    req: &ServiceRequest,
    context: Option<&RequestContext>,
    headers: &mut http::HeaderMap,
) {
    let mut say = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(context) = context {
        say(X_REQUEST_ID, &context.request_id);
        say(TRACEPARENT, &context.trace.to_string());
        say("x-forwarded-for", &context.client.to_string());
    }
    let said = |name| req.headers().get(name)?.to_str().ok();
    let by_proxy = |name| said(name).filter(|_| context.is_some_and(|context| context.by_proxy));
    let scheme = by_proxy("x-forwarded-proto").filter(|scheme| ["http", "https"].contains(scheme));
    let own = match req.app_config().secure() {
        true => "https",
        false => "http",
    };
    say("x-forwarded-proto", scheme.unwrap_or(own));
    if let Some(host) = by_proxy("x-forwarded-host").or_else(|| said("host")) {
        say("x-forwarded-host", host);
    }
}

/// Headers of the message: all but those of the connection and those it names as its own.
fn copy_asked(from: &HeaderMap, to: &mut http::HeaderMap) {
    let values = from.get_all(header::CONNECTION);
    let named = names(values.filter_map(|value| value.to_str().ok()));
    for (name, value) in from {
        let name = name.as_str();
        let ours = OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if ours || NOT_ASKED.contains(&name) || of_the_connection(name, &named) {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            to.append(name, value);
        }
    }
}

/// As [`copy_asked`], the other way.
fn copy_answered(from: &http::HeaderMap, to: &mut HeaderMap) {
    let values = from.get_all(http::header::CONNECTION).iter();
    let named = names(values.filter_map(|value| value.to_str().ok()));
    for (name, value) in from {
        let name = name.as_str();
        if NOT_ANSWERED.contains(&name) || of_the_connection(name, &named) {
            continue;
        }
        let name = header::HeaderName::from_bytes(name.as_bytes());
        let value = header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            to.append(name, value);
        }
    }
}

fn names<'a>(connection: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names = connection.flat_map(|value| value.split(','));
    names.map(str::trim).collect()
}

fn of_the_connection(name: &str, named: &[&str]) -> bool {
    OF_THE_CONNECTION.contains(&name) || named.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Sends the request on, and answers when the head of the answer is there. The request is still
/// whole when nothing was sent. `most` is how long to wait for that, when it is less than the
/// request has.
pub async fn forward(
    peer: &Arc<Peer>,
    req: &mut ServiceRequest,
    most: Option<Duration>,
    trace: Option<Context>,
) -> Result<HttpResponse, Fault> {
    let question = Question::of(req).traced(trace);
    let place = peer.place(question.deadline()).await?;
    let mut upload = Upload::of(req);
    let (mut request, patience) = question.to(peer, upload.body(place.turn()))?;
    if upload.length() == Some(0) {
        // Hyper leaves it out, and some servers insist (RFC 9110, 8.6).
        let nothing = HeaderValue::from_static("0");
        request
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, nothing);
    }
    let patience = match (patience, most) {
        (Some(patience), Some(most)) => Some(patience.min(most)),
        (patience, _) => patience,
    };
    let sent = peer.forward(request, patience, place);
    let answer = upload.beside(sent).await;
    match answer {
        // Nobody has asked for another protocol.
        Ok(answer) if answer.status().is_informational() => {
            Err(Fault::Refused(answer.status().as_u16()))
        }
        Ok(answer) => Ok(answered(answer, upload)),
        Err(fault) => {
            upload.give_back(req);
            Err(fault)
        }
    }
}

fn answered(answer: http::Response<Incoming>, upload: Upload) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::new(status);
    copy_answered(&head.headers, response.headers_mut());
    response.set_body(answer_body(body, upload))
}
