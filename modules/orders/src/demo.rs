//! Made-up orders, loaded in bulk.

use platform::{Pool, db};
use ports::Money;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::order::{Status, random_number};

/// An order of the past. Lines name each product once.
pub struct DemoOrder {
    pub id: Uuid,
    pub user_id: Uuid,
    pub reservation_id: Uuid,
    pub placed_at: OffsetDateTime,
    pub fate: Fate,
    pub lines: Vec<DemoLine>,
}

pub struct DemoLine {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub quantity: i64,
    pub unit_price: Money,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Paid and waiting to be shipped: it holds stock.
    Open,
    Delivered,
    Cancelled,
}

impl Fate {
    fn steps(self) -> &'static [Status] {
        match self {
            Self::Open => &[Status::Placed, Status::Paid],
            Self::Delivered => &[
                Status::Placed,
                Status::Paid,
                Status::Shipped,
                Status::Delivered,
            ],
            Self::Cancelled => &[Status::Placed, Status::Cancelled],
        }
    }
}

/// Between two steps of a demo order.
const STEP: Duration = Duration::hours(5);

/// Columns of the rows to insert, as Postgres takes arrays.
#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    number: Vec<String>,
    user_id: Vec<Uuid>,
    status: Vec<String>,
    currency: Vec<String>,
    total_minor: Vec<i64>,
    steps: Vec<i32>,
    reservation_id: Vec<Uuid>,
    created_at: Vec<OffsetDateTime>,
    updated_at: Vec<OffsetDateTime>,
}

#[derive(Default)]
struct ItemColumns {
    order_id: Vec<Uuid>,
    line: Vec<i32>,
    product_id: Vec<Uuid>,
    sku: Vec<String>,
    name: Vec<String>,
    quantity: Vec<i64>,
    unit_price_minor: Vec<i64>,
}

#[derive(Default)]
struct StepColumns {
    order_id: Vec<Uuid>,
    step: Vec<i32>,
    status: Vec<String>,
    created_at: Vec<OffsetDateTime>,
}

/// Inserts these orders with their lines and history in one transaction; those that are there
/// already are left as they are. Tells how many were new.
pub async fn load(pool: &Pool, orders: &[DemoOrder]) -> Result<u64, sqlx::Error> {
    let (heads, items, steps) = columns(orders);
    let mut transaction = db::begin(pool).await?;
    let new = sqlx::query_scalar!(
        r#"insert into orders
             (id, number, user_id, status, currency, total_minor, steps, reservation_id,
              created_at, updated_at)
           select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[],
                                $6::bigint[], $7::int[], $8::uuid[], $9::timestamptz[],
                                $10::timestamptz[])
           on conflict do nothing
           returning id"#,
        &heads.id,
        &heads.number,
        &heads.user_id,
        &heads.status,
        &heads.currency,
        &heads.total_minor,
        &heads.steps,
        &heads.reservation_id,
        &heads.created_at,
        &heads.updated_at,
    )
    .fetch_all(&mut *transaction)
    .await?;
    sqlx::query!(
        r#"insert into order_items
             (order_id, line, product_id, sku, name, quantity, unit_price_minor)
           select item.*
           from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                       $7::bigint[])
                as item (order_id, line, product_id, sku, name, quantity, unit_price_minor)
           where item.order_id = any($8)"#,
        &items.order_id,
        &items.line,
        &items.product_id,
        &items.sku,
        &items.name,
        &items.quantity,
        &items.unit_price_minor,
        &new,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        r#"insert into order_history (order_id, step, status, created_at)
           select entry.*
           from unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[])
                as entry (order_id, step, status, created_at)
           where entry.order_id = any($5)"#,
        &steps.order_id,
        &steps.step,
        &steps.status,
        &steps.created_at,
        &new,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(new.len() as u64)
}

fn columns(orders: &[DemoOrder]) -> (Columns, ItemColumns, StepColumns) {
    let mut heads = Columns::default();
    let mut items = ItemColumns::default();
    let mut steps = StepColumns::default();
    for order in orders {
        let mut total = 0;
        for (number, line) in (1..).zip(&order.lines) {
            total += line.unit_price.amount * line.quantity;
            items.order_id.push(order.id);
            items.line.push(number);
            items.product_id.push(line.product_id);
            items.sku.push(line.sku.clone());
            items.name.push(line.name.clone());
            items.quantity.push(line.quantity);
            items.unit_price_minor.push(line.unit_price.amount);
        }
        let mut at = order.placed_at;
        let mut last = (0, Status::Placed);
        for (number, status) in (1..).zip(order.fate.steps()) {
            if number > 1 {
                at += STEP;
            }
            steps.order_id.push(order.id);
            steps.step.push(number);
            steps.status.push(status.as_str().to_owned());
            steps.created_at.push(at);
            last = (number, *status);
        }
        let currency = order.lines.first().map(|line| line.unit_price.currency);
        heads.id.push(order.id);
        heads.number.push(random_number());
        heads.user_id.push(order.user_id);
        heads.status.push(last.1.as_str().to_owned());
        heads
            .currency
            .push(currency.map_or_else(String::new, |c| c.code().to_owned()));
        heads.total_minor.push(total);
        heads.steps.push(last.0);
        heads.reservation_id.push(order.reservation_id);
        heads.created_at.push(order.placed_at);
        heads.updated_at.push(at);
    }
    (heads, items, steps)
}
