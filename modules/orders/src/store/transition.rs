use platform::db;
use platform::outbox::{self, Outbox};
use platform::trace::Context;
use ports::Event;
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::events;
use crate::order::Status;

/// A step of an order's life.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    pub to: Status,
    /// Where it may begin.
    pub from: &'static [Status],
    pub reason: Option<&'a str>,
    pub reference: Option<&'a str>,
    pub cause: Option<Context>,
}

impl Change<'_> {
    /// From wherever an order may come to this status.
    pub fn to(to: Status) -> Self {
        Self {
            to,
            from: to.predecessors(),
            reason: None,
            reference: None,
            cause: None,
        }
    }
}

/// What names an order here and in products; neither ever changes.
#[derive(Clone, Copy)]
pub struct OrderKey {
    pub id: Uuid,
    pub reservation_id: Uuid,
}

/// The entry that a change has made in the order's history.
pub struct Reached {
    pub step: i32,
    pub at: OffsetDateTime,
}

/// The one place where an order changes: whether the step is allowed is decided under the row's
/// lock; history and event come with it. `None` when the order is not in a status to leave, or is
/// to leave the house while products has not yet confirmed its stock. Until then its hold may have
/// expired: events wait in the outbox until products has taken them in, and the refusal of one
/// cancels the order before its row goes.
pub async fn transition(
    outbox: &Outbox,
    order: OrderKey,
    change: Change<'_>,
) -> Result<Option<Reached>, sqlx::Error> {
    let Some(body) = events::reached(change.to, order) else {
        return Ok(None);
    };
    let event = Event::now(body);
    let told = db::span(change.cause, "change order");
    let publishing = outbox::publish(told.context(), event.body.name());
    let row = Row {
        event,
        traceparent: publishing.context().map(|context| context.to_string()),
    };
    let reached = told.over(write_alone(outbox, order, change, row)).await?;
    if reached.is_none() {
        publishing.forget();
    }
    platform::fail_point!("orders.changed");
    Ok(reached)
}

/// An event as it is written down.
struct Row {
    event: Event,
    traceparent: Option<String>,
}

async fn write_alone(
    outbox: &Outbox,
    order: OrderKey,
    change: Change<'_>,
    row: Row,
) -> Result<Option<Reached>, sqlx::Error> {
    match change.to {
        Status::Shipped => {
            // First the lock, then a statement of its own: one that waited for the lock would see
            // the row as it is then, but the outbox as it was before.
            let mut tx = db::begin(outbox.pool()).await?;
            sqlx::query!("select id from orders where id = $1 for update", order.id)
                .fetch_optional(&mut *tx)
                .await?;
            let reached = write(&mut *tx, outbox, order, change, row).await?;
            tx.commit().await?;
            Ok(reached)
        }
        _ => write(outbox.pool(), outbox, order, change, row).await,
    }
}

async fn write(
    db: impl PgExecutor<'_>,
    outbox: &Outbox,
    order: OrderKey,
    change: Change<'_>,
    row: Row,
) -> Result<Option<Reached>, sqlx::Error> {
    let event = &row.event;
    let from: Vec<String> = change
        .from
        .iter()
        .map(|status| status.as_str().to_owned())
        .collect();
    sqlx::query_as!(
        Reached,
        r#"with changed as (
             update orders set status = $2, steps = steps + 1,
                    updated_at = greatest(updated_at, now())
             where id = $1 and status = any($3)
               and not ($9 and exists (
                 select from outbox where subscriber = $10 and aggregate_id = $1
               ))
             returning id, steps, updated_at
           ),
           history as (
             insert into order_history (order_id, step, status, reason, reference, created_at)
             select id, steps, $2, $4, $5, updated_at from changed
           ),
           event as (
             insert into outbox (event_id, subscriber, aggregate_id, event, traceparent)
             select $6, subscriber, changed.id, $7, $11
             from changed, unnest($8::text[]) as subscriber
           ),
           deliveries as (
             insert into webhook_deliveries
               (webhook_id, event_id, order_id, step, type, traceparent)
             select webhooks.id, $6, changed.id, steps, 'order.' || $2, $11
             from changed, webhooks
             where disabled_at is null and (events is null or 'order.' || $2 = any(events))
           )
           select steps as step, updated_at as at from changed"#,
        order.id,
        change.to.as_str(),
        &from,
        change.reason,
        change.reference,
        event.id,
        Json(event) as _,
        &outbox.subscribers(events::subscribers(&event.body)),
        change.to == Status::Shipped,
        events::PRODUCTS,
        row.traceparent,
    )
    .fetch_optional(db)
    .await
}
