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

impl Event {
    /// Something that happens now.
    pub fn now(body: EventBody) -> Self {
        Self {
            id: Uuid::now_v7(),
            occurred_at: OffsetDateTime::now_utc(),
            body,
        }
    }
}

/// A new kind of event needs no new port version: an older peer cannot read it and answers that it
/// is unavailable, and so it waits in the outbox until the peer is as new as its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    #[serde(rename = "order.placed.v1")]
    OrderPlaced(OrderPlaced),
    #[serde(rename = "order.paid.v1")]
    OrderPaid(OrderPaid),
    #[serde(rename = "order.shipped.v1")]
    OrderShipped(OrderShipped),
    #[serde(rename = "order.delivered.v1")]
    OrderDelivered(OrderDelivered),
    #[serde(rename = "order.cancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "user.deactivated.v1")]
    UserDeactivated(UserDeactivated),
    #[serde(rename = "user.reactivated.v1")]
    UserReactivated(UserReactivated),
    #[serde(rename = "user.deleted.v1")]
    UserDeleted(UserDeleted),
}

impl EventBody {
    /// The `type` of the wire form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => "order.placed.v1",
            Self::OrderPaid(_) => "order.paid.v1",
            Self::OrderShipped(_) => "order.shipped.v1",
            Self::OrderDelivered(_) => "order.delivered.v1",
            Self::OrderCancelled(_) => "order.cancelled.v1",
            Self::UserDeactivated(_) => "user.deactivated.v1",
            Self::UserReactivated(_) => "user.reactivated.v1",
            Self::UserDeleted(_) => "user.deleted.v1",
        }
    }

    /// What the event is about: those of one aggregate come in order.
    pub fn aggregate_id(&self) -> Uuid {
        match self {
            Self::OrderPlaced(OrderPlaced { order_id, .. })
            | Self::OrderPaid(OrderPaid { order_id })
            | Self::OrderShipped(OrderShipped { order_id, .. })
            | Self::OrderDelivered(OrderDelivered { order_id })
            | Self::OrderCancelled(OrderCancelled { order_id, .. }) => *order_id,
            Self::UserDeactivated(UserDeactivated { user_id })
            | Self::UserReactivated(UserReactivated { user_id })
            | Self::UserDeleted(UserDeleted { user_id }) => *user_id,
        }
    }
}

/// The hold becomes an allocation that does not expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub order_id: Uuid,
    pub reservation_id: Uuid,
    /// What the order holds, should the stock have to be taken again.
    pub lines: Vec<ReserveLine>,
}

/// It no longer waits to be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaid {
    pub order_id: Uuid,
}

/// The goods have left: they are neither reserved nor on hand any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShipped {
    pub order_id: Uuid,
    pub reservation_id: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDelivered {
    pub order_id: Uuid,
}

/// The allocation is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    pub order_id: Uuid,
    pub reservation_id: Uuid,
}

/// The account is locked: its tokens no longer work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeactivated {
    pub user_id: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReactivated {
    pub user_id: Uuid,
}

/// The person is gone: whoever keeps something that tells of them erases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeleted {
    pub user_id: Uuid,
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
        assert_eq!(event.body.name(), "order.cancelled.v1");
        assert_eq!(json["occurred_at"], "1970-01-01T00:00:00Z");
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
