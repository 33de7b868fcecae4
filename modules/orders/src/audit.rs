//! The books of this module, and telling products again what they say.

use platform::{Pool, db};
use ports::audit::{Audit, page};
use ports::events::{Event, EventBody, OrderCancelled, OrderPlaced, OrderShipped};
use ports::orders::{OrderBook, OrderBooks, OrderFault, OrderStatus};
use ports::products::ReserveLine;
use serde_json::{Value, json};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::events::PRODUCTS;
use crate::order::Status;

struct BookRow {
    id: Uuid,
    number: String,
    status: String,
    steps: i32,
    reservation_id: Uuid,
    total_minor: i64,
    product_ids: Vec<Uuid>,
    quantities: Vec<i64>,
    lines_minor: i64,
    entries: i64,
    last_status: Option<String>,
    pending: i64,
    parked: i64,
    attempts: i32,
}

/// `query_as!` over the orders of `page`: each with its lines, history and events as they were at
/// the same moment.
macro_rules! select_books {
    ($page:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            BookRow,
            "with page as materialized (
               select id, number, status, steps, reservation_id, total_minor from orders "
            + $page +
            r#"),
             -- Once for the page: of a table that is mostly empty Postgres expects no index to help.
             waiting as materialized (
               select aggregate_id, count(*) filter (where parked_at is null) as pending,
                      count(parked_at) as parked,
                      max(attempts) filter (where parked_at is null) as attempts
               from outbox
               where subscriber = 'products' and aggregate_id in (select id from page)
               group by aggregate_id
             )
             select page.id, page.number, page.status, page.steps, page.reservation_id,
                    page.total_minor,
                    line.product_ids as "product_ids!", line.quantities as "quantities!",
                    line.minor as "lines_minor!", entry.entries as "entries!",
                    entry.last as "last_status?", coalesce(waiting.pending, 0) as "pending!",
                    coalesce(waiting.parked, 0) as "parked!",
                    coalesce(waiting.attempts, 0) as "attempts!"
             from page
             cross join lateral (
               select coalesce(array_agg(product_id order by product_id), '{}') as product_ids,
                      coalesce(array_agg(quantity order by product_id), '{}') as quantities,
                      least(coalesce(sum(quantity::numeric * unit_price_minor), 0),
                            9223372036854775807)::bigint as minor
               from order_items where order_id = page.id
             ) line
             cross join lateral (
               select count(*) as entries, (array_agg(status order by step desc))[1] as last
               from order_history where order_id = page.id
             ) entry
             left join waiting on waiting.aggregate_id = page.id
             order by page.id"#
            $(, $argument)*
        )
    };
}

pub async fn books(db: impl PgExecutor<'_>, which: &Audit) -> Result<OrderBooks, sqlx::Error> {
    let rows = match which {
        Audit::After { id, limit } => {
            let after = id.unwrap_or_default();
            let limit = i64::try_from(page(*limit)).unwrap_or_default();
            let books = select_books!("where id > $1 order by id limit $2", after, limit);
            books.fetch_all(db).await?
        }
        Audit::Of { ids } => {
            let books = select_books!("where id = any($1)", ids);
            books.fetch_all(db).await?
        }
    };
    let next = which.next(rows.last().map(|row| row.id), rows.len());
    let orders = rows.into_iter().map(OrderBook::try_from);
    Ok(OrderBooks {
        orders: orders.collect::<Result<_, _>>()?,
        next,
    })
}

impl TryFrom<BookRow> for OrderBook {
    type Error = sqlx::Error;

    fn try_from(row: BookRow) -> Result<Self, sqlx::Error> {
        let faults = faults(&row);
        let status = Status::try_from(row.status);
        let lines = row.product_ids.into_iter().zip(row.quantities);
        let lines = lines.map(|(product_id, quantity)| ReserveLine {
            product_id,
            quantity,
        });
        Ok(Self {
            order_id: row.id,
            number: row.number,
            status: status
                .map_err(|error| sqlx::Error::Decode(error.into()))?
                .into(),
            steps: row.steps,
            reservation_id: row.reservation_id,
            lines: lines.collect(),
            pending: row.pending,
            parked: row.parked,
            attempts: row.attempts,
            faults,
        })
    }
}

fn faults(row: &BookRow) -> Vec<OrderFault> {
    let mut faults = Vec::new();
    if row.total_minor != row.lines_minor {
        faults.push(OrderFault::Total {
            lines: row.lines_minor,
            order: row.total_minor,
        });
    }
    if row.last_status.as_ref() != Some(&row.status) {
        faults.push(OrderFault::Status {
            history: row.last_status.clone(),
            order: row.status.clone(),
        });
    }
    if i64::from(row.steps) != row.entries {
        faults.push(OrderFault::Steps {
            history: row.entries,
            order: row.steps.into(),
        });
    }
    faults
}

impl From<Status> for OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Placed => Self::Placed,
            Status::Paid => Self::Paid,
            Status::Shipped => Self::Shipped,
            Status::Delivered => Self::Delivered,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// Writes the event that brings each order's reservation to where its status wants it, for products
/// alone. Under the orders' locks, so that no change comes between a status and its event.
pub async fn retell(pool: &Pool, order_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    sqlx::query!(
        "select id from orders where id = any($1) order by id for update",
        order_ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    let which = Audit::Of {
        ids: order_ids.to_vec(),
    };
    let orders = books(&mut *tx, &which).await?.orders;
    let events: Vec<Event> = orders.into_iter().map(demanded).map(Event::now).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let about: Vec<Uuid> = events.iter().map(|e| e.body.aggregate_id()).collect();
    let json = events.iter().map(|event| json!(event));
    let json: Vec<Value> = json.collect();
    sqlx::query!(
        "insert into outbox (event_id, subscriber, aggregate_id, event)
         select event.id, $4, event.about, event.body
         from unnest($1::uuid[], $2::uuid[], $3::jsonb[]) as event (id, about, body)",
        &ids,
        &about,
        &json,
        PRODUCTS,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

fn demanded(order: OrderBook) -> EventBody {
    let (order_id, reservation_id) = (order.order_id, order.reservation_id);
    match order.status {
        OrderStatus::Placed | OrderStatus::Paid => EventBody::OrderPlaced(OrderPlaced {
            order_id,
            reservation_id,
            lines: order.lines,
        }),
        OrderStatus::Shipped | OrderStatus::Delivered => EventBody::OrderShipped(OrderShipped {
            order_id,
            reservation_id,
        }),
        OrderStatus::Cancelled => EventBody::OrderCancelled(OrderCancelled {
            order_id,
            reservation_id,
        }),
    }
}
