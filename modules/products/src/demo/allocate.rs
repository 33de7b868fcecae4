use std::collections::{BTreeMap, HashMap, HashSet};

use platform::Pool;
use platform::db::{self, retry_contention};
use ports::Money;
use sqlx::PgConnection;
use uuid::Uuid;

/// The stock of an open demo order. Its lines name each product once.
#[derive(Clone, Debug)]
pub struct DemoAllocation {
    pub reservation_id: Uuid,
    pub order_id: Uuid,
    pub lines: Vec<DemoAllocationLine>,
}

#[derive(Clone, Debug)]
pub struct DemoAllocationLine {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub quantity: i64,
    pub unit_price: Money,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// How many were new.
    pub added: u64,
    /// Reservations that the stock did not suffice for, and so left no trace.
    pub refused: Vec<Uuid>,
}

/// Allocations in one transaction.
const CHUNK: usize = 1_000;

/// Takes stock for demo orders, all lines of each or none. Those that are there already stay as
/// they are.
pub async fn allocate_demo(
    pool: &Pool,
    allocations: &[DemoAllocation],
) -> Result<Allocated, sqlx::Error> {
    let mut total = Allocated::default();
    for chunk in allocations.chunks(CHUNK) {
        let allocated = retry_contention(|| allocate(pool, chunk)).await?;
        total.added += allocated.added;
        total.refused.extend(allocated.refused);
    }
    Ok(total)
}

async fn allocate(pool: &Pool, chunk: &[DemoAllocation]) -> Result<Allocated, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    let mut fresh = insert_reservations(&mut tx, chunk).await?;
    // A reservation that is given twice counts once.
    let mut chosen: Vec<&DemoAllocation> = chunk
        .iter()
        .filter(|allocation| fresh.remove(&allocation.reservation_id))
        .collect();
    let mut available = lock_stock(&mut tx, &chosen).await?;
    let mut refused = Vec::new();
    chosen.retain(|allocation| {
        let fits = allocation.lines.iter().all(|line| {
            let left = available.get(&line.product_id);
            left.is_some_and(|left| (1..=*left).contains(&line.quantity))
        });
        if !fits {
            refused.push(allocation.reservation_id);
            return false;
        }
        for line in &allocation.lines {
            if let Some(left) = available.get_mut(&line.product_id) {
                *left -= line.quantity;
            }
        }
        true
    });
    sqlx::query!("delete from reservations where id = any($1)", &refused)
        .execute(&mut *tx)
        .await?;
    insert_lines(&mut tx, &chosen).await?;
    raise_reserved(&mut tx, &chosen).await?;
    tx.commit().await?;
    Ok(Allocated {
        added: chosen.len() as u64,
        refused,
    })
}

async fn insert_reservations(
    tx: &mut PgConnection,
    chunk: &[DemoAllocation],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let (ids, order_ids): (Vec<Uuid>, Vec<Uuid>) = chunk
        .iter()
        .map(|allocation| (allocation.reservation_id, allocation.order_id))
        .unzip();
    let fresh = sqlx::query_scalar!(
        "insert into reservations (id, state, order_id)
         select u.id, 'allocated', u.order_id
         from unnest($1::uuid[], $2::uuid[]) as u(id, order_id)
         on conflict (id) do nothing
         returning id",
        &ids,
        &order_ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// What is available of each product.
async fn lock_stock(
    tx: &mut PgConnection,
    allocations: &[&DemoAllocation],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    let lines = allocations.iter().flat_map(|allocation| &allocation.lines);
    let ids: Vec<Uuid> = lines.map(|line| line.product_id).collect();
    let rows = sqlx::query!(
        r#"select product_id, on_hand - reserved as "available!" from stock
           where product_id = any($1) order by product_id for update"#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    let available = rows.into_iter().map(|row| (row.product_id, row.available));
    Ok(available.collect())
}

async fn insert_lines(
    tx: &mut PgConnection,
    allocations: &[&DemoAllocation],
) -> Result<(), sqlx::Error> {
    let lines: Vec<(Uuid, &DemoAllocationLine)> = allocations
        .iter()
        .flat_map(|allocation| {
            let id = allocation.reservation_id;
            allocation.lines.iter().map(move |line| (id, line))
        })
        .collect();
    let reservation_ids: Vec<Uuid> = lines.iter().map(|(id, _)| *id).collect();
    let product_ids: Vec<Uuid> = lines.iter().map(|(_, line)| line.product_id).collect();
    let quantities: Vec<i64> = lines.iter().map(|(_, line)| line.quantity).collect();
    let skus: Vec<&str> = lines.iter().map(|(_, line)| &*line.sku).collect();
    let names: Vec<&str> = lines.iter().map(|(_, line)| &*line.name).collect();
    let prices: Vec<i64> = lines
        .iter()
        .map(|(_, line)| line.unit_price.amount)
        .collect();
    let codes = lines
        .iter()
        .map(|(_, line)| line.unit_price.currency.code());
    let codes: Vec<&str> = codes.collect();
    sqlx::query!(
        "insert into reservation_lines
             (reservation_id, product_id, quantity, sku, name, unit_price_minor, currency)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[],
             $6::bigint[], $7::text[])",
        &reservation_ids,
        &product_ids,
        &quantities,
        &skus as &[&str],
        &names as &[&str],
        &prices,
        &codes as &[&str],
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn raise_reserved(
    tx: &mut PgConnection,
    allocations: &[&DemoAllocation],
) -> Result<(), sqlx::Error> {
    let mut taken: BTreeMap<Uuid, i64> = BTreeMap::new();
    for line in allocations.iter().flat_map(|allocation| &allocation.lines) {
        *taken.entry(line.product_id).or_default() += line.quantity;
    }
    let (ids, quantities): (Vec<Uuid>, Vec<i64>) = taken.into_iter().unzip();
    sqlx::query!(
        "update stock set reserved = reserved + u.quantity
         from unnest($1::uuid[], $2::bigint[]) as u(id, quantity)
         where product_id = u.id",
        &ids,
        &quantities,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What remains of the stock of demo orders that have left the house: their reservations, closed. By
/// reservation and order. What is on hand never counted them.
pub async fn ship_demo(pool: &Pool, shipped: &[(Uuid, Uuid)]) -> Result<(), sqlx::Error> {
    let (ids, order_ids): (Vec<Uuid>, Vec<Uuid>) = shipped.iter().copied().unzip();
    sqlx::query!(
        "insert into reservations (id, state, closed_as, order_id)
         select u.id, 'closed', 'shipped', u.order_id
         from unnest($1::uuid[], $2::uuid[]) as u(id, order_id)
         on conflict (id) do nothing",
        &ids,
        &order_ids,
    )
    .execute(pool)
    .await?;
    Ok(())
}
