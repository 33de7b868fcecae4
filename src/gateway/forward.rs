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
use ports_http::wire::{TRACEPARENT, X_DEADLINE, X_REQUEST_ID, X_SERVICE};
use ports_http::{Body, Fault, Peer};

use super::body::{Upload, answer_body};
use crate::server::UNBOUNDED;

/// Of the connection, not of the message (RFC 9110, 7.6.1), and those that this listener answers
/// for: lengths and codings are made anew, and nobody's word stands for an address or a budget.
const NOT_SENT_ON: [&str; 19] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-real-ip",
    X_REQUEST_ID,
    TRACEPARENT,
    "date",
    "server",
];
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
            copy(req.headers(), headers);
            introduce(req, context.as_ref(), headers);
        }
        let uri = &req.head().uri;
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            head,
            path_and_query: path_and_query.to_owned(),
            context,
            bounded: !UNBOUNDED.contains(&req.path()),
        }
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
        say(TRACEPARENT, &context.traceparent);
        say("x-forwarded-for", &context.client.to_string());
    }
    let scheme = if req.app_config().secure() {
        "https"
    } else {
        "http"
    };
    say("x-forwarded-proto", scheme);
    let host = req.headers().get(header::HOST);
    if let Some(host) = host.and_then(|host| host.to_str().ok()) {
        say("x-forwarded-host", host);
    }
}

/// Headers of the message: all but those of the connection and those it names as its own.
fn copy(from: &HeaderMap, to: &mut http::HeaderMap) {
    let named: Vec<String> = from
        .get_all(header::CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for (name, value) in from {
        let name = name.as_str();
        let stays = NOT_SENT_ON.contains(&name)
            || OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || named.iter().any(|named| named == name);
        if stays {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            to.append(name, value);
        }
    }
}

/// Sends the request on, and answers when the head of the answer is there. The request is still
/// whole when nothing was sent.
pub async fn forward(peer: &Arc<Peer>, req: &mut ServiceRequest) -> Result<HttpResponse, Fault> {
    let question = Question::of(req);
    let mut upload = Upload::of(req);
    let (request, patience) = question.to(peer, upload.body())?;
    let sent = peer.forward(request, patience);
    let answer = upload.beside(sent).await;
    match answer {
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
    let named: Vec<&str> = head
        .headers
        .get_all(http::header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for (name, value) in &head.headers {
        let name = name.as_str();
        if NOT_SENT_ON.contains(&name) || named.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            continue;
        }
        let name = header::HeaderName::from_bytes(name.as_bytes());
        let value = header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response.set_body(answer_body(body, upload))
}
