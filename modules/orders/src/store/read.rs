use std::time::Duration;

use platform::Limit;
use platform::Pool;
use ports::Currency;
use ports::Money;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::OrderKey;
use crate::order::{Item, Order, ShippingAddress, Status, Step};

#[derive(Clone, Default)]
pub struct OrderFilter {
    pub user_id: Option<Uuid>,
    pub status: Option<Status>,
    pub number: Option<String>,
    /// Only orders older than this one.
    pub before: Option<Uuid>,
}

struct OrderRow {
    id: Uuid,
    number: String,
    user_id: Uuid,
    status: String,
    currency: String,
    total_minor: i64,
    note: Option<String>,
    shipping_address: Option<Json<ShippingAddress>>,
    request_hash: Option<Vec<u8>>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    reservation_id: Uuid,
    items: Json<Vec<ItemRow>>,
    history: Json<Vec<Step>>,
}

#[derive(serde::Deserialize)]
struct ItemRow {
    product_id: Uuid,
    sku: String,
    name: String,
    quantity: i64,
    unit_price_minor: i64,
}

/// An order and what it was made from.
pub struct Stored {
    pub order: Order,
    pub request_hash: Option<Vec<u8>>,
}

/// `query_as!` over orders with their lines and history in the same round trip.
macro_rules! select_orders {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            OrderRow,
            r#"select o.id, o.number, o.user_id, o.status, o.currency, o.total_minor, o.note,
                      o.shipping_address as "shipping_address: Json<ShippingAddress>",
                      o.request_hash, o.created_at, o.updated_at, o.reservation_id,
                      (select json_agg(json_build_object(
                                'product_id', i.product_id, 'sku', i.sku, 'name', i.name,
                                'quantity', i.quantity, 'unit_price_minor', i.unit_price_minor
                              ) order by i.line)
                       from order_items i where i.order_id = o.id)
                        as "items!: Json<Vec<ItemRow>>",
                      (select json_agg(json_build_object(
                                'status', h.status, 'at', h.created_at, 'reason', h.reason,
                                'reference', h.reference
                              ) order by h.step)
                       from order_history h where h.order_id = o.id)
                        as "history!: Json<Vec<Step>>"
               from orders o "# + $tail
            $(, $argument)*
        )
    };
}

pub async fn by_id(pool: &Pool, id: Uuid) -> Result<Option<Order>, sqlx::Error> {
    let row = select_orders!("where o.id = $1", id)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Stored::try_from).transpose()?.map(|s| s.order))
}

pub async fn by_ids(pool: &Pool, ids: &[Uuid]) -> Result<Vec<Order>, sqlx::Error> {
    let rows = select_orders!("where o.id = any($1)", ids)
        .fetch_all(pool)
        .await?;
    rows.into_iter()
        .map(|row| Stored::try_from(row).map(|stored| stored.order))
        .collect()
}

pub async fn by_key(pool: &Pool, user_id: Uuid, key: &str) -> Result<Option<Stored>, sqlx::Error> {
    let row = select_orders!(
        "where o.user_id = $1 and o.idempotency_key = $2",
        user_id,
        key
    )
    .fetch_optional(pool)
    .await?;
    row.map(Stored::try_from).transpose()
}

/// Newest first. A statement for each filter, so that each can walk its own index.
pub async fn list(
    pool: &Pool,
    filter: OrderFilter,
    limit: Limit,
) -> Result<Vec<Order>, sqlx::Error> {
    let status = filter.status.map(Status::as_str);
    // Ids are UUIDv7, whose order is that of time; nothing sorts above the largest one.
    let before = filter.before.unwrap_or(Uuid::max());
    let rows = match (filter.user_id, status) {
        (user_id, status) if filter.number.is_some() => {
            select_orders!(
                "where o.number = $1 and o.id < $2 and ($3::uuid is null or o.user_id = $3)
                   and ($4::text is null or o.status = $4)
                 limit $5",
                filter.number,
                before,
                user_id,
                status,
                limit.rows_to_fetch(),
            )
            .fetch_all(pool)
            .await?
        }
        (Some(user_id), status) => {
            select_orders!(
                "where o.user_id = $1 and o.id < $2 and ($3::text is null or o.status = $3)
                 order by o.id desc limit $4",
                user_id,
                before,
                status,
                limit.rows_to_fetch(),
            )
            .fetch_all(pool)
            .await?
        }
        (None, Some(status)) => {
            select_orders!(
                "where o.id < $1 and o.status = $2
                 order by o.id desc limit $3",
                before,
                status,
                limit.rows_to_fetch(),
            )
            .fetch_all(pool)
            .await?
        }
        (None, None) => {
            select_orders!(
                "where o.id < $1 order by o.id desc limit $2",
                before,
                limit.rows_to_fetch(),
            )
            .fetch_all(pool)
            .await?
        }
    };
    rows.into_iter()
        .map(|row| Stored::try_from(row).map(|stored| stored.order))
        .collect()
}

/// Orders that have waited longer than this to be paid, by the database's clock.
pub async fn overdue(
    pool: &Pool,
    window: Duration,
    most: i64,
) -> Result<Vec<OrderKey>, sqlx::Error> {
    sqlx::query_as!(
        OrderKey,
        "select id, reservation_id from orders
         where status = 'placed' and created_at <= now() - make_interval(secs => $1)
         order by created_at limit $2",
        window.as_secs_f64(),
        most,
    )
    .fetch_all(pool)
    .await
}

impl TryFrom<OrderRow> for Stored {
    type Error = sqlx::Error;

    fn try_from(row: OrderRow) -> Result<Self, sqlx::Error> {
        let undecodable = |what: String| sqlx::Error::Decode(what.into());
        let currency = Currency::from_code(&row.currency)
            .ok_or_else(|| undecodable(format!("no currency: {:?}", row.currency)))?;
        let items = row.items.0.into_iter().map(|item| {
            let unit_price = Money::new(item.unit_price_minor, currency);
            let line_total = unit_price
                .times(item.quantity)
                .ok_or_else(|| undecodable("a line total does not fit 64 bits".to_owned()))?;
            Ok(Item {
                product_id: item.product_id,
                sku: item.sku,
                name: item.name,
                quantity: item.quantity,
                unit_price,
                line_total,
            })
        });
        Ok(Self {
            request_hash: row.request_hash,
            order: Order {
                id: row.id,
                number: row.number,
                user_id: row.user_id,
                status: row.status.try_into().map_err(undecodable)?,
                items: items.collect::<Result<_, sqlx::Error>>()?,
                total: Money::new(row.total_minor, currency),
                shipping_address: row.shipping_address.map(|address| address.0),
                note: row.note,
                created_at: row.created_at,
                updated_at: row.updated_at,
                history: row.history.0,
                reservation_id: row.reservation_id,
            },
        })
    }
}
