//! What happened, told to whoever subscribes. Names and payloads are versioned.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::products::ReserveLine;

/// One thing that happened. `id` is what consumers remember, so that its effect comes once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    #[serde(flatten)]
    pub body: EventBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    #[serde(rename = "order.placed.v1")]
    OrderPlaced(OrderPlaced),
    #[serde(rename = "order.cancelled.v1")]
    OrderCancelled(OrderCancelled),
}

/// The hold becomes an allocation that does not expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub order_id: Uuid,
    pub reservation_id: Uuid,
    /// What the order holds, should the stock have to be taken again.
    pub lines: Vec<ReserveLine>,
}

/// The allocation is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    pub order_id: Uuid,
    pub reservation_id: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_names_type_and_version() {
        let event = Event {
            id: Uuid::nil(),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            body: EventBody::OrderCancelled(OrderCancelled {
                order_id: Uuid::nil(),
                reservation_id: Uuid::nil(),
            }),
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["type"], "order.cancelled.v1");
        assert_eq!(json["occurred_at"], "1970-01-01T00:00:00Z");
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
