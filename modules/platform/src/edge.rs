//! The outermost middleware: request id, deadline, and every error as a problem document.

mod told;
mod unread;

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use tokio_util::task::TaskTracker;
use trace::Context;

use crate::client::TrustedProxies;
use crate::{Problem, RequestContext};
use told::Request;
use unread::Unread;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

#[derive(Clone)]
pub struct Edge {
    /// How long a handler may take before the client gets 503.
    pub deadline: Duration,
    /// Paths whose handlers read a body of any length, and so may take any time; see [`is_one_of`].
    pub unbounded: Vec<&'static str>,
    pub trusted_proxies: TrustedProxies,
    /// Knows the requests that another process of the shop has sent on.
    pub voucher: Option<Voucher>,
    /// How a request at this path is told of in traces.
    pub told: fn(&str) -> Told,
    /// Counts the requests under way. Once it is closed, clients are told to go elsewhere.
    pub requests: TaskTracker,
}

/// How a request is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Asked by machines all the time, and nothing that a person would look for.
    Not,
    /// With the module that it is for.
    Of(&'static str),
    Plainly,
}

/// Whether a path is one of these, in which `*` is any segment.
pub fn is_one_of(paths: &[&str], path: &str) -> bool {
    let matches = |known: &str| {
        let mut segments = path.split('/');
        let mut known = known.split('/');
        known.all(|known| segments.next().is_some_and(|s| known == "*" || known == s))
            && segments.next().is_none()
    };
    paths.iter().any(|known| matches(known))
}

/// What another process of the shop says of a request that it has let in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vouched {
    pub client: Option<IpAddr>,
    /// What is left of its deadline.
    pub budget: Option<Duration>,
}

/// Looks at the headers; `None` for anybody's request.
pub type Voucher = Arc<dyn Fn(&HeaderMap) -> Option<Vouched> + Send + Sync>;

impl Edge {
    fn context(&self, req: &ServiceRequest, trace: Context) -> RequestContext {
        let headers = req.headers();
        let offered = text(headers, X_REQUEST_ID);
        let vouched = self.voucher.as_ref().and_then(|voucher| voucher(headers));
        let client = vouched.and_then(|vouched| vouched.client);
        let peer = req.peer_addr().map(|peer| peer.ip());
        let client = client.unwrap_or_else(|| self.trusted_proxies.client(peer, headers));
        let budget = vouched.and_then(|vouched| vouched.budget);
        let budget = budget.map_or(self.deadline, |budget| budget.min(self.deadline));
        let mut context = RequestContext::new(offered, trace, budget, client);
        context.by_proxy = peer.is_some_and(|peer| self.trusted_proxies.trusts(peer));
        context.vouched = vouched.is_some();
        context
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// For `actix_web::middleware::from_fn`; wrap it last, so that it is the outermost.
pub async fn edge<B: MessageBody + 'static>(
    edge: Arc<Edge>,
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let _under_way = edge.requests.token();
    let (mut told, trace) = Request::begin(&req, (edge.told)(req.path()));
    let context = edge.context(&req, trace);
    let request_id = context.request_id.clone();
    told.is_known_as(&request_id);
    let unbounded = is_one_of(&edge.unbounded, req.path());
    let deadline = context.deadline;
    req.extensions_mut().insert(trace);
    req.extensions_mut().insert(context);

    // HEAD is GET without the body, which the encoder leaves out by itself.
    let head_only = req.method() == Method::HEAD;
    if head_only {
        req.head_mut().method = Method::GET;
    }

    let unread = Unread::of(&mut req);
    let secure = req.app_config().secure();

    // Routing needs the request to itself: a clone of it that lives through the call is a panic.
    let path = req.path().to_owned();
    let answer = within(deadline.into(), unbounded, next.call(req)).await;
    let mut response = match answer {
        Ok(response) => match response.response().error() {
            Some(error) => {
                let mut rendered = problem_of(error).response(Some(&path), Some(&request_id));
                keep_negotiated(response.headers(), rendered.headers_mut());
                response.into_response(rendered).map_into_right_body()
            }
            None => response.map_into_left_body(),
        },
        Err(error) => {
            let problem = problem_of(&error);
            told.end(problem.status(), None);
            return Err(Unanswered {
                problem,
                path,
                request_id,
                secure,
                unread,
            }
            .into());
        }
    };
    told.end(response.status(), Some(response.request()));
    dress(response.response_mut(), &request_id, secure);
    // One that goes on would be waited for.
    if head_only && response.response().body().size() == BodySize::Stream {
        response = response.map_body(|_, _| EitherBody::right(BoxBody::new(())));
    }
    if edge.requests.is_closed() {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    Ok(unread.until_sent(response))
}

/// The problem of a request that went down with its handler.
#[derive(Debug)]
struct Unanswered {
    problem: Problem,
    path: String,
    request_id: String,
    secure: bool,
    unread: Unread,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for Unanswered {
    fn status_code(&self) -> StatusCode {
        self.problem.status()
    }

    fn error_response(&self) -> HttpResponse {
        let (path, request_id) = (Some(&*self.path), Some(&*self.request_id));
        let mut response = self.problem.response(path, request_id);
        dress(&mut response, &self.request_id, self.secure);
        response.map_body(|_, body| self.unread.clone().with(body))
    }
}

async fn within<T>(
    deadline: tokio::time::Instant,
    unbounded: bool,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if unbounded {
        return call.await;
    }
    match tokio::time::timeout_at(deadline, call).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::warn!("the deadline passed before an answer was ready");
            Err(Problem::deadline_exceeded().into())
        }
    }
}

/// Errors that actix itself makes get the words and the code of their status.
fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    let status = error.as_response_error().status_code();
    match status {
        StatusCode::BAD_REQUEST => {
            Problem::bad_request("bad_request", "The request could not be read.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => crate::body::too_large(),
        status if status.is_client_error() => Problem::new(
            status,
            "request_failed",
            status.canonical_reason().unwrap_or("The request failed."),
        ),
        _ => {
            tracing::error!(%error, "an error that has no problem of its own");
            Problem::internal()
        }
    }
}

/// What inner middlewares said about who may read the answer. Its coding is gone.
fn keep_negotiated(said: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in said {
        if name == header::VARY {
            let names = value.to_str().unwrap_or_default().split(',').map(str::trim);
            let names = names.filter(|name| !name.eq_ignore_ascii_case("accept-encoding"));
            let kept = names.collect::<Vec<_>>().join(", ");
            if let (false, Ok(kept)) = (kept.is_empty(), HeaderValue::from_str(&kept)) {
                headers.append(header::VARY, kept);
            }
        } else if name.as_str().starts_with("access-control-") {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// As a `Content-Encoding`, keeps what is inside of the edge from encoding an answer. It says
/// nothing to clients, and is taken off again (RFC 9110, 8.4.1).
pub const IDENTITY: &str = "identity";

/// Browsers come back by HTTPS only, for a year (RFC 6797).
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// `secure` where the listener itself speaks TLS.
fn dress<B>(response: &mut HttpResponse<B>, request_id: &str, secure: bool) {
    let status = response.status();
    if status == StatusCode::REQUEST_TIMEOUT {
        let head = response.head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE && !headers.contains_key(header::RETRY_AFTER) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding == IDENTITY)
    {
        headers.remove(header::CONTENT_ENCODING);
    }
}
