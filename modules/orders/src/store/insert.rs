use platform::db;
use platform::outbox::{self, Outbox};
use platform::trace::Context;
use ports::events::{Event, EventBody, OrderPlaced};
use ports::products::ReserveLine;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::events;
use crate::order::Order;

pub struct NewOrder<'a> {
    pub order: &'a Order,
    pub idempotency: Option<(&'a str, &'a [u8])>,
    /// Revisions of the lines that leave the cart with it.
    pub bought: &'a [Uuid],
    pub cause: Option<Context>,
}

/// The order, its lines, its history, its event, who gets word of it by webhook, and the cart
/// without what was bought: one statement, one commit. Answers when that was, by the database's
/// clock, which also ends the time to pay; `None` when this user has used the idempotency key
/// already, is to be forgotten, or no longer has these lines in the cart, and nothing is stored.
pub async fn insert(
    outbox: &Outbox,
    new: NewOrder<'_>,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let order = new.order;
    let (key, hash) = new.idempotency.unzip();
    let lines: Vec<i32> = (1..).take(order.items.len()).collect();
    let product_ids: Vec<Uuid> = order.items.iter().map(|item| item.product_id).collect();
    let skus: Vec<String> = order.items.iter().map(|item| item.sku.clone()).collect();
    let names: Vec<String> = order.items.iter().map(|item| item.name.clone()).collect();
    let quantities: Vec<i64> = order.items.iter().map(|item| item.quantity).collect();
    let prices: Vec<i64> = order
        .items
        .iter()
        .map(|item| item.unit_price.amount)
        .collect();
    let event = placed_event(order);
    let told = db::span(new.cause, "store order");
    let publishing = outbox::publish(told.context(), event.body.name());
    let traceparent = publishing.context().map(|context| context.to_string());

    let stored = sqlx::query_scalar!(
        r#"with bought as materialized (
             select revision from cart_items where user_id = $3 and revision = any($20)
             order by product_id for update
           ),
           placed as (
             insert into orders
               (id, number, user_id, status, currency, total_minor, note, reservation_id,
                idempotency_key, request_hash, shipping_address)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $21
             where not exists (select from erased_users where user_id = $3)
               and (select count(*) from bought) = cardinality($20)
             on conflict on constraint orders_idempotency_key do nothing
             returning id, created_at
           ),
           emptied as (
             delete from cart_items using placed
             where cart_items.user_id = $3 and revision = any($20)
           ),
           items as (
             insert into order_items
               (order_id, line, product_id, sku, name, quantity, unit_price_minor)
             select placed.id, item.*
             from placed, unnest($11::int[], $12::uuid[], $13::text[], $14::text[],
                                 $15::bigint[], $16::bigint[]) as item
           ),
           history as (
             insert into order_history (order_id, step, status, created_at)
             select id, 1, $4, created_at from placed
           ),
           event as (
             insert into outbox (event_id, subscriber, aggregate_id, event, traceparent)
             select $17, subscriber, placed.id, $18, $22
             from placed, unnest($19::text[]) as subscriber
           ),
           deliveries as (
             insert into webhook_deliveries
               (webhook_id, event_id, order_id, step, type, traceparent)
             select webhooks.id, $17, placed.id, 1, 'order.placed', $22
             from placed, webhooks
             where disabled_at is null and (events is null or 'order.placed' = any(events))
           )
           select created_at from placed"#,
        order.id,
        order.number,
        order.user_id,
        order.status.as_str(),
        order.total.currency.code(),
        order.total.amount,
        order.note,
        order.reservation_id,
        key,
        hash,
        &lines,
        &product_ids,
        &skus,
        &names,
        &quantities,
        &prices,
        event.id,
        Json(&event) as _,
        &outbox.subscribers(events::subscribers(&event.body)),
        new.bought,
        order.shipping_address.as_ref().map(Json) as _,
        traceparent,
    )
    .fetch_optional(outbox.pool());
    let stored = told.over(stored).await?;
    if stored.is_none() {
        publishing.forget();
    }
    Ok(stored)
}

fn placed_event(order: &Order) -> Event {
    let lines = order.items.iter().map(|item| ReserveLine {
        product_id: item.product_id,
        quantity: item.quantity,
    });
    Event::now(EventBody::OrderPlaced(OrderPlaced {
        order_id: order.id,
        reservation_id: order.reservation_id,
        lines: lines.collect(),
    }))
}
