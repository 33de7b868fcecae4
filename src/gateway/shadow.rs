//! A read that is answered here, asked of the peer too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::web::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use ports_http::{Dial, Fault, Kind, Peer, Side};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::forward::Question;

/// The longest answer that is compared, in bytes.
const COMPARED_MOST: u64 = 256 << 10;
/// For reads without a deadline of their own.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers as the module did, and compares beside the client's way.
pub async fn compare<B: MessageBody + 'static>(
    dial: Arc<Dial>,
    peer: Arc<Peer>,
    question: Question,
    answer: ServiceResponse<EitherBody<B, BoxBody>>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let comparable = matches!(answer.response().body().size(), BodySize::Sized(length) if length <= COMPARED_MOST)
        && !answer.status().is_server_error();
    let Some(one_of_many) = dial.shadow().begin().filter(|_| comparable) else {
        return Ok(answer);
    };
    let (req, response) = answer.into_parts();
    let (response, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|error| {
        let error: Box<dyn std::error::Error> = error.into();
        actix_web::error::ErrorInternalServerError(error)
    })?;
    let local = (response.status().as_u16(), body.clone());
    let answer = ServiceResponse::new(req, response.set_body(BoxBody::new(body)));
    tokio::spawn(ask(dial, peer, question, local, one_of_many));
    Ok(answer.map_into_right_body())
}

async fn ask(
    dial: Arc<Dial>,
    peer: Arc<Peer>,
    question: Question,
    local: (u16, Bytes),
    _one_of_many: OwnedSemaphorePermit,
) {
    // Without the query, in which anything may stand.
    let path = question.path_and_query.split('?').next();
    let call = format!("GET {}", path.unwrap_or_default());
    let context = question.context.clone();
    let request_id = context
        .map(|context| context.request_id)
        .unwrap_or_default();
    let start = Instant::now();
    match answer_of(&peer, question).await {
        Ok(remote) => {
            dial.measure(Kind::Request, Side::Remote, start.elapsed());
            if remote.0 == local.0 && same_body(&remote.1, &local.1) {
                dial.shadow().agreed();
            } else {
                let shown = |(status, body): &(u16, Bytes)| {
                    format!("{status} {}", String::from_utf8_lossy(body))
                };
                let (local, remote) = (shown(&local), shown(&remote));
                dial.shadow().differed(call, &request_id, &local, &remote);
            }
        }
        Err(_) => dial.shadow().unanswered(),
    }
}

async fn answer_of(peer: &Peer, question: Question) -> Result<(u16, Bytes), Fault> {
    let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let (request, patience) = question.to(peer, nothing)?;
    let patience = patience.unwrap_or(PATIENCE);
    // A comparison is in nobody's way.
    let place = peer.place(Instant::now()).await?;
    let answer = peer.forward(request, Some(patience), place).await?;
    let (head, body) = answer.into_parts();
    let most = usize::try_from(COMPARED_MOST).unwrap_or(usize::MAX);
    let body = tokio::time::timeout(patience, Limited::new(body, most).collect()).await;
    let body = body.map_err(|_| Fault::TimedOut)?;
    let body = body.map_err(|error| Fault::Broken(error.to_string()))?;
    Ok((head.status.as_u16(), body.to_bytes()))
}

/// JSON is compared by what it says; what problems say of their own request is added at the edge,
/// which the module's answer has yet to pass.
fn same_body(one: &[u8], other: &[u8]) -> bool {
    let json = |bytes: &[u8]| {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
        if let Some(members) = value.as_object_mut() {
            members.remove("request_id");
            members.remove("instance");
        }
        Some(value)
    };
    one == other || json(one).is_some_and(|one| Some(one) == json(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_compared_by_what_it_says() {
        assert!(same_body(br#"{"a":1,"b":2}"#, br#"{"b":2,"a":1}"#));
        assert!(same_body(
            br#"{"a":1,"request_id":"x"}"#,
            br#"{"a":1,"request_id":"y"}"#
        ));
        assert!(same_body(
            br#"{"code":"not_found"}"#,
            br#"{"code":"not_found","instance":"/api/v1/products/1","request_id":"y"}"#
        ));
        assert!(!same_body(br#"{"a":1}"#, br#"{"a":2}"#));
        assert!(!same_body(b"a", b"b"));
    }
}
