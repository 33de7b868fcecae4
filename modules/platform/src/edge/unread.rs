//! What a client still sends when its answer is there.
//!
//! actix reads the rest of a chunked body that a handler let go of, so that the connection can be used
//! again, and such a body need have no end. While somebody still holds the body, actix sends the
//! answer and closes, as it does after a body of a stated length.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;

/// The body of a request of no stated length; handlers read it through a handle of their own.
#[derive(Clone, Default)]
pub(super) struct Unread(Option<Rc<RefCell<Payload>>>);

impl Unread {
    pub fn of(req: &mut ServiceRequest) -> Self {
        if !req.headers().contains_key(header::TRANSFER_ENCODING) {
            return Self(None);
        }
        let body = Rc::new(RefCell::new(req.take_payload()));
        req.set_payload(Payload::Stream {
            payload: Box::pin(Handle(Rc::clone(&body))),
        });
        Self(Some(body))
    }

    pub fn until_sent<B: MessageBody + 'static>(
        self,
        response: ServiceResponse<EitherBody<B>>,
    ) -> ServiceResponse<EitherBody<B>> {
        if self.0.is_none() {
            return response;
        }
        response.map_body(|_, body| EitherBody::right(self.with(body.boxed())))
    }

    pub fn with(self, answer: BoxBody) -> BoxBody {
        let _unread = self;
        BoxBody::new(Until { answer, _unread })
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unread").field(&self.0.is_some()).finish()
    }
}

struct Handle(Rc<RefCell<Payload>>);

impl Stream for Handle {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// An answer that holds on to what is left of its request.
struct Until {
    answer: BoxBody,
    _unread: Unread,
}

impl MessageBody for Until {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}
