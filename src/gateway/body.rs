//! Bodies on their way: nothing is kept but the piece at hand.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use ports_http::{Body, BoxError, ClientGone, Turn};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

/// An upload comes in on the worker of its connection and goes out on the peer's.
enum Piece {
    Data(Bytes),
    /// It is whole. A channel that closes before this was left by the client.
    End,
}

/// The client's end.
pub struct Upload {
    payload: Payload,
    /// In bytes, as the client has said.
    length: Option<u64>,
    state: State,
}

enum State {
    /// There is nothing to send, or no more.
    Done,
    Untouched,
    /// Until the peer's connection asks for the first piece, everything is left where it is.
    Offered(oneshot::Receiver<()>, PollSender<Piece>),
    Sending(PollSender<Piece>),
}

impl Upload {
    pub fn of(req: &mut ServiceRequest) -> Self {
        let headers = req.headers();
        let length = headers.get(header::CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
        let chunked = headers.contains_key(header::TRANSFER_ENCODING);
        let has_body = chunked || length.is_some_and(|length| length > 0);
        Self {
            length: length.filter(|_| !chunked),
            state: if has_body {
                State::Untouched
            } else {
                State::Done
            },
            payload: req.take_payload(),
        }
    }

    /// In bytes, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The peer's end.
    pub fn body(&mut self, turn: Turn) -> Body {
        if !matches!(self.state, State::Untouched) {
            return Empty::new().map_err(|never| match never {}).boxed_unsync();
        }
        let (sender, pieces) = mpsc::channel(1);
        let (ask, asked) = oneshot::channel();
        self.state = State::Offered(asked, PollSender::new(sender));
        Sent {
            pieces,
            ask: Some(ask),
            left: self.length,
            turn,
        }
        .boxed_unsync()
    }

    /// Sends while this goes on.
    pub async fn beside<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        poll_fn(|cx| {
            self.poll_send(cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) {
        if self.poll_sent(cx).is_ready() {
            self.state = State::Done;
        }
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let sender = match &mut self.state {
                State::Done | State::Untouched => return Poll::Ready(()),
                State::Sending(sender) => sender,
                State::Offered(asked, sender) => {
                    if ready!(Pin::new(asked).poll(cx)).is_err() {
                        return Poll::Ready(());
                    }
                    let sender = sender.clone();
                    self.state = State::Sending(sender);
                    continue;
                }
            };
            if ready!(sender.poll_reserve(cx)).is_err() {
                return Poll::Ready(());
            }
            let (piece, last) = match ready!(self.payload.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => (Piece::Data(bytes), false),
                None => (Piece::End, true),
                Some(Err(error)) => {
                    tracing::debug!(%error, "an upload broke off");
                    return Poll::Ready(());
                }
            };
            if sender.send_item(piece).is_err() || last {
                return Poll::Ready(());
            }
        }
    }

    /// Leaves the request as it was, when nothing of its body was sent.
    pub fn give_back(self, req: &mut ServiceRequest) {
        if !matches!(self.state, State::Sending(_)) {
            req.set_payload(self.payload);
        }
    }
}

/// What the connection to the peer sends.
struct Sent {
    pieces: mpsc::Receiver<Piece>,
    ask: Option<oneshot::Sender<()>>,
    left: Option<u64>,
    turn: Turn,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(ask) = self.ask.take() {
            // Nobody hears it when the client is gone; the channel says so too.
            let _ = ask.send(());
        }
        let Poll::Ready(piece) = self.pieces.poll_recv(cx) else {
            self.turn.of_client();
            return Poll::Pending;
        };
        self.turn.of_peer();
        Poll::Ready(match piece {
            Some(Piece::Data(bytes)) => {
                let sent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.left = self.left.map(|left| left.saturating_sub(sent));
                Some(Ok(Frame::data(bytes)))
            }
            Some(Piece::End) => None,
            None => Some(Err(ClientGone.into())),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// The peer's answer. What is left of the upload goes on beside it.
struct Answer {
    incoming: Incoming,
    upload: Upload,
}

pub fn answer_body(incoming: Incoming, upload: Upload) -> BoxBody {
    BoxBody::new(Answer { incoming, upload })
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        match self.incoming.size_hint().exact() {
            Some(length) => BodySize::Sized(length),
            None => BodySize::Stream,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.upload.poll_send(cx);
        loop {
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }
}
