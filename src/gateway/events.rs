//! Event streams on their way: they are open as long as this process lives, and no longer.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header;
use actix_web::web::Bytes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pub fn is_event_stream(answer: &HttpResponse) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/event-stream")
}

/// Ends a stream whole, rather than cut off, when it is time to stop.
pub fn until(stop: &CancellationToken, answer: HttpResponse) -> HttpResponse {
    let stop = Box::pin(stop.clone().cancelled_owned());
    answer.map_body(|_, body| BoxBody::new(Until { stop, body }))
}

struct Until {
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    body: BoxBody,
}

impl MessageBody for Until {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_next(cx)
    }
}
