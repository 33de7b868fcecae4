//! The connections to one peer.

use std::time::Duration;

use ::http::{Request, Response};
use actix_web::web::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Body as _, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::Fault;

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// What is sent to a peer: whole, or as it comes.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Ends a body that its sender did not finish.
#[derive(Debug, thiserror::Error)]
#[error("the client went away")]
pub struct ClientGone;

/// Shorter than servers keep an idle connection, so that it is not taken up as it is closed.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_MOST: usize = 256;
/// The largest answer to a call. The largest that is meant, all of an order's lines, is 100 KB.
const ANSWER_MOST: usize = 16 << 20;

/// Marks a request that was sent before. The pool may hold more connections that went as that one
/// did, so it gets one of its own.
#[derive(Clone)]
pub(crate) struct Again;

type Sender = Client<HttpsConnector<HttpConnector>, Body>;

#[derive(Clone)]
pub(super) struct Http {
    pooled: Sender,
    unpooled: Sender,
}

impl Http {
    pub(super) fn new(connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_keepalive(Some(IDLE));
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let with_idle = |most| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(most)
                .build(connector.clone())
        };
        Self {
            pooled: with_idle(IDLE_MOST),
            unpooled: with_idle(0),
        }
    }

    /// A read on a connection that breaks is sent once more: the peer may have closed it just as it
    /// was taken up.
    pub(super) async fn head_of_answer(
        self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Fault> {
        let again = repetition(&request);
        match (self.send(request).await, again) {
            (Err(Fault::Broken(_)), Some(again)) => self.send(again).await,
            (answer, _) => answer,
        }
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Fault> {
        let client = match request.extensions().get::<Again>() {
            Some(Again) => &self.unpooled,
            None => &self.pooled,
        };
        client.request(request).await.map_err(|error| {
            let of_the_client = causes(&error).any(|cause| cause.is::<ClientGone>());
            match error.is_connect() {
                _ if of_the_client => Fault::ClientGone,
                true => Fault::NotConnected(chain(&error)),
                false => Fault::Broken(chain(&error)),
            }
        })
    }

    pub(super) async fn whole_answer(
        self,
        request: Request<Body>,
    ) -> Result<Response<Bytes>, Fault> {
        let (head, body) = self.head_of_answer(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_MOST).collect().await;
        let body = body.map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// The same request, when sending it twice does no harm.
fn repetition(request: &Request<Body>) -> Option<Request<Body>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    again.extensions_mut().insert(Again);
    Some(again)
}

pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

type Cause = dyn std::error::Error + 'static;

/// The error and what caused it: hyper's own words leave that out.
fn causes(error: &Cause) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error), |error| error.source())
}

fn chain(error: &Cause) -> String {
    let words: Vec<String> = causes(error).map(ToString::to_string).collect();
    words.join(": ")
}
