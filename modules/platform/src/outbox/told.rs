//! The spans of an event on its way: published, delivered, processed.

use trace::{Context, Kind, Span};
use uuid::Uuid;

use super::Delivery;

/// Writes an event down. Its context goes with the row, so that whoever hears of the event goes on
/// from there.
pub fn publish(cause: Option<Context>, event: &str) -> Span {
    begin(Kind::Producer, cause, "publish", event)
}

/// Has an event take its effect, where it was delivered.
pub fn process(delivered: Option<Context>, event: &str, id: Uuid) -> Span {
    let mut span = begin(Kind::Consumer, delivered, "process", event);
    span.set("messaging.message.id", format_args!("{id}"));
    span
}

/// One attempt to bring an event to its subscriber.
pub(super) fn deliver(module: &'static str, delivery: &Delivery) -> Span {
    let event = delivery.event["type"].as_str().unwrap_or_default();
    let mut span = begin(Kind::Client, delivery.trace, "deliver", event);
    span.set(
        "messaging.message.id",
        format_args!("{}", delivery.event_id),
    );
    span.set("cleave.module", module);
    span.set("cleave.subscriber", format_args!("{}", delivery.subscriber));
    span.set("cleave.attempts", delivery.attempts);
    span
}

fn begin(kind: Kind, parent: Option<Context>, work: &str, event: &str) -> Span {
    let mut span = Span::begin(kind, parent, format_args!("{work} {event}"));
    span.set("messaging.system", "cleave");
    span
}
