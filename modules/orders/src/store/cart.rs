//! What users mean to buy. A line is one row, put in and taken out by one statement.

use platform::Pool;
use ports::products::ProductSnapshot;
use uuid::Uuid;

/// A line, and what the product was when it was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub product_id: Uuid,
    pub quantity: i64,
    /// Another one whenever the line is put in.
    pub revision: Uuid,
    pub sku: String,
    pub name: String,
    pub unit_price_minor: i64,
}

/// In the order in which they came into the cart.
pub async fn lines(pool: &Pool, user_id: Uuid) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        "select product_id, quantity, revision, sku, name, unit_price_minor
         from cart_items where user_id = $1 order by created_at, product_id",
        user_id,
    )
    .fetch_all(pool)
    .await
}

/// Lines that came at the same time may have wanted the same slot, which is taken at random.
const PUT_ATTEMPTS: u32 = 12;

/// Puts a line in, or another in its place; `None` when the cart is full, or its owner is to be
/// forgotten.
pub async fn put(
    pool: &Pool,
    user_id: Uuid,
    product: &ProductSnapshot,
    quantity: i64,
) -> Result<Option<Line>, sqlx::Error> {
    let line = Line {
        product_id: product.product_id,
        quantity,
        revision: Uuid::now_v7(),
        sku: product.sku.clone(),
        name: product.name.clone(),
        unit_price_minor: product.unit_price.amount,
    };
    let mut attempts_left = PUT_ATTEMPTS;
    loop {
        attempts_left -= 1;
        match put_once(pool, user_id, &line).await {
            Ok(put) => return Ok(put.then_some(line)),
            Err(error) if is_slot_taken(&error) && attempts_left > 0 => {}
            // Somebody is always in the way, but it is no bug.
            Err(error) if is_slot_taken(&error) => return Err(sqlx::Error::PoolTimedOut),
            Err(error) => return Err(error),
        }
    }
}

async fn put_once(pool: &Pool, user_id: Uuid, line: &Line) -> Result<bool, sqlx::Error> {
    let put = sqlx::query!(
        "with place as materialized (
           select coalesce(
             (select slot from cart_items where user_id = $1 and product_id = $2),
             (select free::smallint from generate_series(1, 100) free
              where free not in (select slot from cart_items where user_id = $1)
              order by random() limit 1)
           ) as slot
         )
         insert into cart_items
           (user_id, product_id, slot, quantity, revision, sku, name, unit_price_minor)
         select $1, $2, slot, $3, $4, $5, $6, $7 from place
         where slot is not null and not exists (select from erased_users where user_id = $1)
         on conflict on constraint cart_items_pkey do update
         set quantity = excluded.quantity, revision = excluded.revision, sku = excluded.sku,
             name = excluded.name, unit_price_minor = excluded.unit_price_minor",
        user_id,
        line.product_id,
        line.quantity,
        line.revision,
        line.sku,
        line.name,
        line.unit_price_minor,
    )
    .execute(pool)
    .await?;
    Ok(put.rows_affected() > 0)
}

fn is_slot_taken(error: &sqlx::Error) -> bool {
    platform::db::constraint(error) == Some("cart_items_slot_key")
}

pub async fn remove(pool: &Pool, user_id: Uuid, product_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from cart_items where user_id = $1 and product_id = $2",
        user_id,
        product_id,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes everything out. Locks lines in the order in which a checkout does.
pub async fn clear(pool: &Pool, user_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with line as materialized (
           select revision from cart_items where user_id = $1 order by product_id for update
         )
         delete from cart_items where user_id = $1 and revision in (select revision from line)",
        user_id,
    )
    .execute(pool)
    .await?;
    Ok(())
}
