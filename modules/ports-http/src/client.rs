//! The client's end of a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use backon::{BackoffBuilder, ExponentialBuilder};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use ports::{CallContext, Failure, PortError, PortResult};

use crate::peer::{Again, Body, Peer};
use crate::wire::{Envelope, TRACEPARENT, X_CALLER, X_DEADLINE, X_REQUEST_ID};
use crate::{Call, Fault, Repeat};

const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MOST: Duration = Duration::from_millis(200);

/// A module at a peer: the ports over HTTP.
pub struct Remote(Arc<Peer>);

impl Remote {
    pub fn new(peer: Arc<Peer>) -> Self {
        Self(peer)
    }

    pub(crate) async fn call<C: Call>(
        &self,
        cx: CallContext,
        request: C::Request,
    ) -> PortResult<C::Reply, C::Rejection> {
        let answer = ask::<C>(&self.0, &cx, &request).await;
        answer.unwrap_or_else(|fault| Err(noticed::<C>(&self.0, &cx, &fault)))
    }
}

/// Says what went wrong where it was seen.
pub(crate) fn noticed<C: Call>(
    peer: &Peer,
    cx: &CallContext,
    fault: &Fault,
) -> PortError<C::Rejection> {
    tracing::warn!(
        module = C::MODULE,
        call = C::NAME,
        peer = peer.url(),
        request_id = cx.request_id,
        %fault,
        "a remote call failed"
    );
    PortError::Failed(Failure::from(fault))
}

/// Asks until there is an answer, as often as the call may be repeated and the deadline allows.
pub(crate) async fn ask<C: Call>(
    peer: &Peer,
    cx: &CallContext,
    request: &C::Request,
) -> Result<PortResult<C::Reply, C::Rejection>, Fault> {
    let body =
        serde_json::to_vec(request).map_err(|error| Fault::Undecodable(error.to_string()))?;
    let body = Bytes::from(body);
    let retries = retries(C::REPEAT, peer.config().call_retries);
    let mut pauses = ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(PAUSE_FIRST)
        .with_max_delay(PAUSE_MOST)
        .with_max_times(retries)
        .build();
    let mut connection = match retries {
        0 => Connection::Only,
        _ => Connection::First,
    };
    loop {
        let begun = Instant::now();
        let answer = attempt::<C>(peer, cx, body.clone(), connection).await;
        connection = Connection::New;
        let again = match &answer {
            // The peer is there, its database perhaps not; it may be another one next time, if there
            // is time to find that out.
            Ok(Err(PortError::Failed(Failure::Unavailable))) => {
                C::REPEAT != Repeat::Once && begun.elapsed() < cx.remaining()
            }
            Ok(_) => false,
            Err(fault) => fault.may_repeat(C::REPEAT),
        };
        let pause = pauses.next().filter(|pause| *pause < cx.remaining());
        match pause {
            Some(pause) if again => tokio::time::sleep(pause).await,
            _ => return answer,
        }
    }
}

/// On what a call is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// One of the pool; should it break, a new one tells whether the peer is there.
    First,
    /// One of the pool, and no other.
    Only,
    New,
}

/// A write whose answer was lost is asked after once more, whatever is configured: the second
/// answer tells what became of the first.
fn retries(repeat: Repeat, configured: u32) -> usize {
    let configured = usize::try_from(configured).unwrap_or(usize::MAX);
    match repeat {
        Repeat::Safe => configured,
        Repeat::Idempotent => configured.max(1),
        Repeat::Once => 0,
    }
}

async fn attempt<C: Call>(
    peer: &Peer,
    cx: &CallContext,
    body: Bytes,
    connection: Connection,
) -> Result<PortResult<C::Reply, C::Rejection>, Fault> {
    let _one_of_many = peer.place_of_call(cx.deadline).await?;
    let patience = cx.remaining().min(peer.config().call_timeout);
    if patience.is_zero() {
        return Err(Fault::TimedOut);
    }
    let whole = Full::new(body).map_err(|never| match never {});
    let mut request = Request::new(Body::new(whole));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = peer.uri(&C::path())?;
    if connection == Connection::New {
        request.extensions_mut().insert(Again);
    }
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, peer.bearer()?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let millis = patience.as_millis().to_string();
    insert(headers, X_DEADLINE, &millis);
    insert(headers, X_REQUEST_ID, &cx.request_id);
    if let Some(caller) = cx.caller {
        insert(headers, X_CALLER, &caller.to_string());
    }
    if let Some(trace) = cx.trace {
        insert(headers, TRACEPARENT, &trace.to_string());
    }
    let repeated = connection == Connection::First;
    peer.call(request, patience, repeated, read::<C>).await
}

/// What cannot stand in a header stays behind.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

type Answered<C> = PortResult<<C as Call>::Reply, <C as Call>::Rejection>;

/// A module that ran out of time is slow, as one that does not answer is.
fn read<C: Call>(answer: Response<Bytes>) -> Result<Answered<C>, Fault> {
    match serde_json::from_slice::<Envelope<C::Reply, C::Rejection>>(answer.body()) {
        Ok(Envelope::Failed(Failure::Timeout)) => Err(Fault::TimedOut),
        Ok(envelope) => Ok(envelope.into()),
        Err(error) if answer.status().is_success() => Err(Fault::Undecodable(error.to_string())),
        Err(_) => Err(Fault::Refused(answer.status().as_u16())),
    }
}
