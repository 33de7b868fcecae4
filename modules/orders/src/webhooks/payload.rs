use actix_web::web::Bytes;
use serde::Serialize;
use time::OffsetDateTime;

use crate::order::Order;

/// The body of a delivery.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(with = "platform::rfc3339")]
    timestamp: OffsetDateTime,
    data: Order,
}

/// Tells of an order as it stood at a step of its history, counted from 1, whatever has become of
/// it since; except that what was erased stays so. `None` when it never came so far.
pub fn payload(event_type: &str, mut order: Order, step: i32) -> Option<Bytes> {
    order.history.truncate(usize::try_from(step).ok()?);
    let last = order.history.last()?;
    (order.status, order.updated_at) = (last.status, last.at);
    let payload = Payload {
        event_type,
        timestamp: order.updated_at,
        data: order,
    };
    serde_json::to_vec(&payload).ok().map(Bytes::from)
}
