//! An order's changes as server-sent events (WHATWG HTML, 9.2).

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use platform::auth::LastingCaller;
use platform::edge::IDENTITY;
use platform::problem::ProblemDocument;
use platform::{Id, Problem, RequestContext};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;
use uuid::Uuid;

use super::visible;
use crate::Module;
use crate::order::{Order, Status, Step};
use crate::store;
use crate::watch::Watch;

const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Proxies give up on connections on which nothing is said, and a client that has left is seen when
/// it is written to for the second time.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often is asked whether the caller is still let in; the answer may be 4 seconds old.
const CHECK: Duration = Duration::from_secs(1);
const CHECK_BUDGET: Duration = Duration::from_secs(2);
/// A stream outlives that nobody can tell for so long.
const UNKNOWN_MOST: Duration = Duration::from_secs(10);
/// After how long a client connects again, in milliseconds; at random, for all may have to at once.
const RETRY_MS: std::ops::Range<u32> = 1_000..3_000;

/// An event of the stream.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct OrderEvent {
    /// Its place in the order's history, for `Last-Event-ID`.
    #[schema(example = "1")]
    id: String,
    #[schema(example = "order.paid")]
    event: String,
    /// JSON: `order_id`, `status`, `at`, and `reason` where there is one.
    #[schema(
        example = r#"{"order_id":"0198c5a0-0000-7000-8000-000000000000","status":"paid","at":"2026-11-22T10:00:00Z"}"#
    )]
    data: String,
}

/// Follow an order
///
/// Server-sent events: the history so far, then every status change as it happens. Each has an
/// `id`, the event `order.<status>`, and as `data` `{"order_id", "status", "at", "reason"?}`. It
/// ends after a final status; it also ends when the token does, and when the server stops. Comments
/// in between keep the connection.
///
/// With `Last-Event-ID` it goes on behind that event; any value that is no id of the order's events
/// begins at the start. Once everything was told, there is nothing to connect for again: 204.
#[utoipa::path(
    tag = "orders",
    params(
        ("id" = Uuid, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream", body = OrderEvent),
        (status = 204, description = "The order is at its end, and its last event was seen"),
        (status = 429, description = "`too_many_streams`: close some first", body = ProblemDocument),
    ),
)]
#[get("/orders/{id}/events")]
pub async fn order_events(
    module: web::Data<Module>,
    who: LastingCaller,
    cx: RequestContext,
    http: HttpRequest,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    let order = visible(store::by_id(module.pool(), id).await?, &who.caller)?;
    let sent = last_seen(&http, &order);
    if order.status.is_final() && sent == order.history.len() {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish());
    }
    let watch = module.watchers.watch(&order, who.caller.user_id);
    let now = Instant::now();
    let feed = Feed {
        watch: watch.ok_or_else(too_many_streams)?,
        order_id: order.id,
        owner: order.user_id,
        sent,
        begun: false,
        next_beat: now + HEARTBEAT,
        next_check: now + CHECK,
        last_known: now,
        who,
        cx,
    };
    let events = stream::unfold(feed, |mut feed| async {
        let text = feed.next().await?;
        Some((Ok::<_, Infallible>(web::Bytes::from(text)), feed))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .insert_header((header::CONTENT_ENCODING, IDENTITY))
        .streaming(events))
}

/// How much of the history the client has seen. Ids are places in it, from 1. Of anything else
/// nobody knows what was seen, and told twice is better than never.
fn last_seen(http: &HttpRequest, order: &Order) -> usize {
    let id = http.headers().get(LAST_EVENT_ID);
    let id = id.and_then(|id| id.to_str().ok()?.parse::<usize>().ok());
    id.filter(|id| *id <= order.history.len())
        .unwrap_or_default()
}

fn too_many_streams() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_streams",
        "Too many event streams are open; close some first.",
    )
    .with_header(header::RETRY_AFTER, "5")
}

/// One client's events.
struct Feed {
    watch: Watch,
    order_id: Uuid,
    owner: Uuid,
    /// Entries of the history.
    sent: usize,
    begun: bool,
    next_beat: Instant,
    next_check: Instant,
    /// When it was last known that the client may see the order.
    last_known: Instant,
    who: LastingCaller,
    cx: RequestContext,
}

impl Feed {
    /// What to send next; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        let closing = self.watch.closing().clone();
        loop {
            if let Some(news) = self.news() {
                return Some(news);
            }
            if self.is_told() {
                return None;
            }
            tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                changed = self.watch.history.changed() => changed.ok()?,
                () = sleep_until(self.next_beat.min(self.next_check)) => {}
            }
            if self.next_check <= Instant::now() {
                let let_in = tokio::select! {
                    () = closing.cancelled() => return None,
                    let_in = self.is_let_in() => let_in,
                };
                let_in.then_some(())?;
                self.next_check = Instant::now() + CHECK;
            }
            if self.next_beat <= Instant::now() {
                self.next_beat = Instant::now() + HEARTBEAT;
                return Some(":\n\n".to_owned());
            }
        }
    }

    fn news(&mut self) -> Option<String> {
        let mut text = String::new();
        if !self.begun {
            self.begun = true;
            text = format!("retry: {}\n\n", rand::random_range(RETRY_MS));
        }
        let history = self.watch.history.borrow_and_update();
        for (position, entry) in history.iter().enumerate().skip(self.sent) {
            text += &event(self.order_id, position + 1, entry);
        }
        self.sent = self.sent.max(history.len());
        drop(history);
        if text.is_empty() {
            return None;
        }
        self.next_beat = Instant::now() + HEARTBEAT;
        Some(text)
    }

    fn is_told(&self) -> bool {
        let history = self.watch.history.borrow();
        let last = history.last();
        last.is_some_and(|last| last.status.is_final()) && self.sent >= history.len()
    }

    async fn is_let_in(&mut self) -> bool {
        let now = Instant::now();
        let cx = RequestContext {
            deadline: (now + CHECK_BUDGET).into(),
            ..self.cx.clone()
        };
        match self.who.now(&cx).await {
            Ok(None) => false,
            Ok(Some(caller)) => {
                self.last_known = now;
                caller.is_admin() || caller.user_id == self.owner
            }
            Err(_) => now.duration_since(self.last_known) < UNKNOWN_MOST,
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    order_id: Uuid,
    status: Status,
    #[serde(with = "platform::rfc3339")]
    at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

fn event(order_id: Uuid, id: usize, entry: &Step) -> String {
    let data = Data {
        order_id,
        status: entry.status,
        at: entry.at,
        reason: entry.reason.as_deref(),
    };
    // Ids, words and a time, which always have a JSON form; and that has no line break.
    let data = serde_json::to_string(&data).unwrap_or_default();
    let status = entry.status.as_str();
    format!("id: {id}\nevent: order.{status}\ndata: {data}\n\n")
}
