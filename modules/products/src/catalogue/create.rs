use platform::{Pool, db};
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::change::WriteError;
use super::product::{Fields, Product, Stock};
use crate::words;

/// Stores a product with its stock, and where that came from.
pub(crate) async fn create(
    pool: &Pool,
    new: Fields,
    on_hand: i64,
    actor: Uuid,
) -> Result<Product, WriteError> {
    let id = Uuid::now_v7();
    let words = new.words();
    let mut tx = db::begin(pool).await?;
    let created_at = insert(&mut tx, id, &new, &words, on_hand, actor).await?;
    words::teach(&mut tx, words::taught(&words)).await?;
    tx.commit().await?;
    Ok(Product {
        id,
        sku: new.sku,
        name: new.name,
        description: new.description,
        price: new.price,
        category_id: new.category_id,
        handle: new.handle,
        attributes: new.attributes,
        images: Vec::new(),
        stock: Stock::new(on_hand, 0),
        is_active: new.is_active,
        created_at,
        updated_at: created_at,
    })
}

async fn insert(
    tx: &mut PgConnection,
    id: Uuid,
    new: &Fields,
    words: &str,
    on_hand: i64,
    actor: Uuid,
) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(
        "with product as (
            insert into products
                (id, sku, name, description, price_minor, currency, category_id, handle,
                 attributes, is_active, search)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                    array_to_tsvector(string_to_array($13, ' ')))
            returning created_at
        ), stocked as (
            insert into stock (product_id, on_hand) values ($1, $11)
        ), moved as (
            insert into stock_movements (product_id, delta, reason, actor)
            select $1, $11, 'initial', $12 where $11 > 0
        )
        select created_at from product",
        id,
        new.sku,
        new.name,
        new.description,
        new.price.amount,
        new.price.currency,
        new.category_id,
        new.handle,
        Json(&new.attributes) as _,
        new.is_active,
        on_hand,
        actor,
        words,
    )
    .fetch_one(tx)
    .await
}
