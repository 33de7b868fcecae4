//! One request to a receiver.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tower::Service;

use super::guard::{ConnectError, Guard};
use super::secret::Secret;

/// From the connection to the answer's end.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// Of an answer, as much is read as lets a receiver send its short one to the end.
const ANSWER_MOST: usize = 16 << 10;
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
const AGENT: &str = concat!("Cleave-Webhooks/", env!("CARGO_PKG_VERSION"));

/// A message to one endpoint.
pub struct Message<'a> {
    pub url: &'a str,
    pub secret: &'a Secret,
    /// The same for every attempt.
    pub id: String,
    pub body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the URL is not allowed: it {0}")]
    Url(&'static str),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("{0}")]
    Failed(String),
}

/// Sends to endpoints. Each request has a connection of its own, which the guard has let through;
/// no proxy, no redirect.
#[derive(Clone)]
pub struct Sender {
    client: Client<HttpsConnector<Guarded>, Full<Bytes>>,
    guard: Guard,
}

impl Sender {
    pub fn new(guard: Guard) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(Guarded(guard.clone()));
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Self { client, guard }
    }

    /// Signs and sends a message; answers with what status it was answered.
    pub async fn send(&self, message: Message<'_>) -> Result<StatusCode, SendError> {
        let request = self.request(message)?;
        let end = Instant::now() + TIMEOUT;
        let answer = timeout_at(end.into(), self.client.request(request)).await;
        let answer = answer
            .map_err(|_| SendError::TimedOut)?
            .map_err(|error| SendError::Failed(reason(&error)))?;
        let status = answer.status();
        let patience = end.min(Instant::now() + ANSWER_PATIENCE);
        let _ = timeout_at(patience.into(), hear_out(answer.into_body())).await;
        Ok(status)
    }

    fn request(&self, message: Message<'_>) -> Result<Request<Full<Bytes>>, SendError> {
        // The rules may have changed since it was made.
        let url = self.guard.parse(message.url).map_err(SendError::Url)?;
        let timestamp = OffsetDateTime::now_utc().unix_timestamp().to_string();
        let signature = message.secret.sign(&message.id, &timestamp, &message.body);
        Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header(CONNECTION, "close")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(Full::new(message.body))
            .map_err(|error| SendError::Failed(error.to_string()))
    }
}

/// The status says it all; this is to be polite.
async fn hear_out(mut body: Incoming) {
    let mut heard = 0;
    while let Some(Ok(frame)) = body.frame().await {
        heard += frame.data_ref().map_or(0, Bytes::len);
        if heard > ANSWER_MOST {
            return;
        }
    }
}

/// Opens the connections of a client, where the guard lets it.
#[derive(Clone)]
struct Guarded(Guard);

impl Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let default = if uri.scheme_str() == Some("http") {
                80
            } else {
                443
            };
            let port = uri.port_u16().unwrap_or(default);
            guard.connect(host, port).await.map(TokioIo::new)
        })
    }
}

/// What caused an error of the client, in one line that is not too long; its own words say nothing.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    const MOST: usize = 300;
    let first = error.source().unwrap_or(error);
    let causes = std::iter::successors(Some(first), |error| error.source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    words.join(": ").chars().take(MOST).collect()
}
