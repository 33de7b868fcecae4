//! The server's end of a call.

use std::future::Future;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use ports::{CallContext, Failure, PortError, PortResult};
use trace::Context;

use crate::Call;
use crate::wire::{
    DEADLINE_DEFAULT, DEADLINE_MOST, Envelope, TRACEPARENT, X_CALLER, X_DEADLINE, X_REQUEST_ID,
};

/// Reads the request, asks the module, and stops when the caller no longer waits.
pub(crate) async fn answer<C: Call, F>(
    http: HttpRequest,
    body: Bytes,
    ask: impl FnOnce(CallContext, C::Request) -> F,
) -> HttpResponse
where
    F: Future<Output = PortResult<C::Reply, C::Rejection>>,
{
    let cx = context(&http);
    let deadline = cx.deadline;
    let result = match serde_json::from_slice::<C::Request>(&body) {
        Ok(request) => {
            let asked = tokio::time::timeout_at(deadline.into(), ask(cx, request)).await;
            asked.unwrap_or(Err(PortError::Failed(Failure::Timeout)))
        }
        Err(error) => {
            // Of a newer peer, such as a kind of event that is not known here. Another process may
            // read it, and so will this one once it is as new.
            tracing::error!(module = C::MODULE, call = C::NAME, %error, "a peer's request cannot be read");
            Err(PortError::Failed(Failure::Unavailable))
        }
    };
    let envelope = Envelope::<C::Reply, C::Rejection>::from(result);
    HttpResponse::build(envelope.status()).json(envelope)
}

fn context(http: &HttpRequest) -> CallContext {
    let text = |name| http.headers().get(name)?.to_str().ok();
    let budget = text(X_DEADLINE).and_then(|millis| millis.parse().ok());
    let budget = budget.map_or(DEADLINE_DEFAULT, Duration::from_millis);
    CallContext {
        deadline: Instant::now() + budget.min(DEADLINE_MOST),
        request_id: text(X_REQUEST_ID).unwrap_or_default().to_owned(),
        caller: text(X_CALLER).and_then(|caller| caller.parse().ok()),
        trace: told_by_the_edge(http).or_else(|| text(TRACEPARENT).and_then(Context::parse)),
    }
}

/// The request's own span, where it has one: it comes after the caller's.
fn told_by_the_edge(http: &HttpRequest) -> Option<Context> {
    http.extensions().get::<Context>().copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::calls::products::handle;

    /// What a sender keeps and sends again, without counting it.
    #[tokio::test]
    async fn an_event_of_a_newer_peer_is_answered_as_by_one_who_is_away() {
        let event = r#"{"id":"00000000-0000-0000-0000-000000000000","type":"order.sung.v9",
            "occurred_at":"1970-01-01T00:00:00Z","data":{}}"#;
        let http = TestRequest::default().to_http_request();
        let body = Bytes::from_static(event.as_bytes());
        let answer = answer::<handle, _>(http, body, async |_, _| unreachable!()).await;
        assert_eq!(answer.status(), 503);
        let said = to_bytes(answer.into_body()).await.unwrap();
        assert_eq!(said, r#"{"failed":"unavailable"}"#);
    }
}
