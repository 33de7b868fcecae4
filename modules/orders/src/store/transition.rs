use platform::outbox::Outbox;
use ports::Event;
use serde_json::Value;
use uuid::Uuid;

use crate::events;
use crate::order::Status;

pub struct Transition<'a> {
    pub to: Status,
    pub reason: Option<&'a str>,
    /// What the other modules are told.
    pub event: Option<Event>,
}

/// The one place where an order changes: whether the step is allowed is decided under the row's
/// lock; history and event come with it. `false` when the order is not in a status to leave.
pub async fn transition(
    outbox: &Outbox,
    order_id: Uuid,
    transition: Transition<'_>,
) -> Result<bool, sqlx::Error> {
    let from: Vec<String> = transition
        .to
        .predecessors()
        .iter()
        .map(|status| (*status).to_owned())
        .collect();
    let subscribers = transition
        .event
        .as_ref()
        .map(|event| outbox.subscribers(events::subscribers(&event.body)))
        .unwrap_or_default();
    let event_id = transition
        .event
        .as_ref()
        .map_or(Uuid::nil(), |event| event.id);
    let event = transition
        .event
        .and_then(|event| serde_json::to_value(event).ok())
        .unwrap_or(Value::Null);
    let changed = sqlx::query_scalar!(
        r#"with changed as (
             update orders set status = $2, steps = steps + 1,
                    updated_at = greatest(updated_at, now())
             where id = $1 and status = any($3)
             returning id, steps, updated_at
           ),
           history as (
             insert into order_history (order_id, step, status, reason, created_at)
             select id, steps, $2, $4, updated_at from changed
           ),
           event as (
             insert into outbox (event_id, subscriber, aggregate_id, event)
             select $5, subscriber, changed.id, $6
             from changed, unnest($7::text[]) as subscriber
           )
           select true as "changed!" from changed"#,
        order_id,
        transition.to.as_str(),
        &from,
        transition.reason,
        event_id,
        event,
        &subscribers,
    )
    .fetch_optional(outbox.pool())
    .await?;
    Ok(changed.is_some())
}
