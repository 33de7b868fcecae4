//! Another process that hosts a module.

mod circuit;
mod http;
mod places;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderName, HeaderValue, Request, Response, Uri};
use actix_web::web::Bytes;
use hyper::body::{Body as _, Incoming};
use serde::de::DeserializeOwned;

pub use circuit::Circuit;
pub(crate) use http::Again;
pub use http::{Body, BoxError, ClientGone};
pub use places::{Place, Turn};

use crate::handshake::Handshake;
use crate::wire::{X_REQUEST_ID, X_SERVICE};
use crate::{Fault, ServiceTokens};
use http::Http;
use places::Places;

/// How a module is called; see `modules.<m>` in the settings.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// For one attempt.
    pub call_timeout: Duration,
    pub call_retries: u32,
    pub circuit_failures: u32,
    pub circuit_open: Duration,
    /// Calls at a time, and as many forwarded requests that wait for their answer.
    pub max_in_flight: usize,
}

/// One module at one address: its connections, its circuit, its bulkhead.
pub struct Peer {
    module: &'static str,
    url: String,
    base: Uri,
    config: PeerConfig,
    tokens: Arc<ServiceTokens>,
    http: Http,
    circuit: Circuit,
    calls: Places,
    forwards: Places,
}

#[derive(Debug, thiserror::Error)]
#[error("not an http or https address without user, path and query: {0}")]
pub struct InvalidUrl(String);

/// Reads the address of a peer: scheme, host and port, and nothing besides.
pub fn peer_address(url: &str) -> Result<Uri, InvalidUrl> {
    let invalid = || InvalidUrl(url.to_owned());
    let address: Uri = url.trim_end_matches('/').parse().map_err(|_| invalid())?;
    let scheme = address.scheme_str().unwrap_or_default();
    let bare = address.path() == "/" && address.query().is_none() && !url.contains('#');
    let nobody = address
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    if ["http", "https"].contains(&scheme) && bare && nobody {
        Ok(address)
    } else {
        Err(invalid())
    }
}

impl Peer {
    /// `url` is the peer's private listener, such as `http://products.internal:8100`. Nothing is
    /// connected before the first call.
    pub fn new(
        module: &'static str,
        url: &str,
        config: PeerConfig,
        tokens: Arc<ServiceTokens>,
    ) -> Result<Self, InvalidUrl> {
        let invalid = || InvalidUrl(url.to_owned());
        let url = url.trim_end_matches('/').to_owned();
        let base = peer_address(&url)?;
        let failures = usize::try_from(config.circuit_failures.max(1)).unwrap_or(usize::MAX);
        let circuit = Circuit::new(&format!("{module} at {url}"), failures, config.circuit_open)
            .ok_or_else(invalid)?;
        Ok(Self {
            module,
            url,
            base,
            http: Http::new(config.call_timeout),
            circuit,
            calls: Places::new(config.max_in_flight, config.call_timeout / 4),
            forwards: Places::new(config.max_in_flight, config.call_timeout / 4),
            config,
            tokens,
        })
    }

    pub fn module(&self) -> &'static str {
        self.module
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// How long one attempt of a call may take.
    pub fn call_timeout(&self) -> Duration {
        self.config.call_timeout
    }

    pub(crate) fn config(&self) -> &PeerConfig {
        &self.config
    }

    /// Calls and forwarded requests that wait for an answer.
    pub fn in_flight(&self) -> usize {
        self.calls.taken() + self.forwards.taken()
    }

    /// The peer's address with a path and query, which stay as they are written.
    pub fn uri(&self, path_and_query: &str) -> Result<Uri, Fault> {
        let mut parts = self.base.clone().into_parts();
        let parsed = path_and_query.parse().ok();
        parts.path_and_query =
            Some(parsed.ok_or_else(|| Fault::Broken("the path cannot be sent on".to_owned()))?);
        Uri::from_parts(parts).map_err(|error| Fault::Broken(error.to_string()))
    }

    /// `Bearer` and a service token.
    pub fn bearer(&self) -> Result<HeaderValue, Fault> {
        let bearer = self.tokens.bearer().map_err(|error| error.to_string());
        let value = bearer.and_then(|text| text.parse().map_err(|_| "not a header".to_owned()));
        value.map_err(Fault::Broken)
    }

    /// A place for a call; to be kept until it is answered.
    pub(crate) async fn place_of_call(&self, deadline: Instant) -> Result<Place, Fault> {
        self.calls.enter(self.in_time(deadline)).await
    }

    /// One call: its answer, whole. `repeated`: it is made again when the connection breaks.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        request: Request<Body>,
        patience: Duration,
        repeated: bool,
        read: fn(Response<Bytes>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let http = self.http.clone();
        let attempt = async move {
            match http.whole_answer(request).await {
                Err(Fault::Broken(words)) if repeated => Err(Fault::Closed(words)),
                answer => read(answer?),
            }
        };
        let answer = self.circuit.run(within(patience, attempt)).await;
        if answer.is_ok() {
            self.calls.answered();
        }
        answer
    }

    /// What comes to its turn later has no time left in which the peer could answer, and would be
    /// held against it.
    fn in_time(&self, deadline: Instant) -> Instant {
        let left = deadline.saturating_duration_since(Instant::now());
        deadline - self.config.call_timeout.min(left / 2)
    }

    /// For a request that is to be sent on.
    pub async fn place(&self, deadline: Instant) -> Result<Place, Fault> {
        self.forwards.enter(self.in_time(deadline)).await
    }

    /// Sends a request on and answers as soon as the head of the answer is there. `patience` is
    /// for that; without it, as for an upload that takes its time, the circuit learns nothing.
    ///
    /// Whether a peer is back is not found out with a request that waits for its client: a handshake
    /// goes first.
    pub async fn forward(
        &self,
        request: Request<Body>,
        patience: Option<Duration>,
        place: Place,
    ) -> Result<Response<Incoming>, Fault> {
        let (http, turn) = (self.http.clone(), place.turn());
        if patience.is_none() || !request.body().is_end_stream() {
            self.try_circuit().await?;
        }
        let attempt = async move { of_a_module(http.head_of_answer(request).await?) };
        let answer = match patience {
            Some(patience) => {
                let attempt = async move {
                    match within(patience, attempt).await {
                        Err(Fault::TimedOut) if turn.is_clients() => Err(Fault::ClientSlow),
                        answer => answer,
                    }
                };
                self.circuit.run(attempt).await
            }
            None => attempt.await,
        };
        if answer.is_ok() {
            self.forwards.answered();
        }
        answer
    }

    async fn try_circuit(&self) -> Result<(), Fault> {
        if self.circuit.is_closed() {
            return Ok(());
        }
        let asked = asked(self.http.clone(), self.question()?);
        let probe = within(self.config.call_timeout, asked);
        self.circuit.run(probe).await.map(drop)
    }

    /// Asks what the peer hosts and whether that can serve; past circuit and bulkhead.
    pub async fn handshake(&self, patience: Duration) -> Result<Handshake, Fault> {
        within(patience, asked(self.http.clone(), self.question()?)).await
    }

    /// What the peer says of the health of its module, well or not; past circuit and bulkhead.
    pub async fn health<T: DeserializeOwned>(&self, patience: Duration) -> Result<T, Fault> {
        let mut request = Request::new(http::empty());
        *request.uri_mut() = self.uri(&format!("/health/{}", self.module))?;
        let service = HeaderName::from_static(X_SERVICE);
        request.headers_mut().insert(service, self.bearer()?);
        let answer = self.http.clone().whole_answer(request);
        let answer = within(patience, answer).await?;
        serde_json::from_slice(answer.body()).map_err(|error| Fault::Undecodable(error.to_string()))
    }

    fn question(&self) -> Result<Request<Body>, Fault> {
        let mut request = Request::new(http::empty());
        *request.uri_mut() = self.uri(Handshake::PATH)?;
        let authorization = HeaderName::from_static("authorization");
        request.headers_mut().insert(authorization, self.bearer()?);
        Ok(request)
    }
}

async fn asked(http: Http, question: Request<Body>) -> Result<Handshake, Fault> {
    let answer = http.whole_answer(question).await?;
    if !answer.status().is_success() {
        return Err(Fault::Refused(answer.status().as_u16()));
    }
    serde_json::from_slice(answer.body()).map_err(|error| Fault::Undecodable(error.to_string()))
}

/// Every answer of ours has its request's id. A failure without one was said in between, by a proxy
/// that finds nobody behind it.
fn of_a_module(answer: Response<Incoming>) -> Result<Response<Incoming>, Fault> {
    if answer.status().is_server_error() && !answer.headers().contains_key(X_REQUEST_ID) {
        return Err(Fault::Refused(answer.status().as_u16()));
    }
    Ok(answer)
}

async fn within<T>(
    patience: Duration,
    attempt: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let answer = tokio::time::timeout(patience, attempt).await;
    answer.unwrap_or(Err(Fault::TimedOut))
}
