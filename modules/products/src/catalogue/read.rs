use std::collections::BTreeMap;

use iso_currency::Currency;
use platform::Pool;
use ports::Money;
use ports::products::ProductSnapshot;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::product::{Product, ProductRow};

/// The one shape in which a product is selected, from `products p` and a `stock s` of the caller's.
macro_rules! select_product {
    ($with:literal, $stock:literal, $where:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            ProductRow,
            $with + r#"
            select p.id, p.sku, p.name, p.description, p.price_minor, p.currency, p.category_id,
                p.handle, p.attributes as "attributes: Json<BTreeMap<String, String>>",
                p.images as "images: Json<Vec<crate::media::images::StoredImage>>", p.is_active, p.created_at, p.updated_at, s.on_hand, s.reserved
            from products p join "# + $stock + " s on s.product_id = p.id where " + $where,
            $($argument),+
        )
    };
}
pub(super) use select_product;

/// `None` as well when it is inactive and the reader may not see those.
pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    id: Uuid,
    inactive_too: bool,
) -> Result<Option<Product>, sqlx::Error> {
    let row = select_product!(
        "",
        "stock",
        "p.id = $1 and (p.is_active or $2)",
        id,
        inactive_too
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Product::from))
}

pub(crate) async fn by_sku(
    pool: &Pool,
    sku: &str,
    inactive_too: bool,
) -> Result<Option<Product>, sqlx::Error> {
    let row = select_product!(
        "",
        "stock",
        "p.sku = $1 and (p.is_active or $2)",
        sku,
        inactive_too
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Product::from))
}

/// Current facts of many products, in no order; unknown ids are left out.
pub(crate) async fn snapshots(
    pool: &Pool,
    ids: &[Uuid],
) -> Result<Vec<ProductSnapshot>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.id, p.sku, p.name, p.price_minor, p.currency, p.is_active,
            s.on_hand - s.reserved as "available!"
        from products p join stock s on s.product_id = p.id
        where p.id = any($1)"#,
        ids
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ProductSnapshot {
                product_id: row.id,
                sku: row.sku,
                name: row.name,
                unit_price: Money::new(row.price_minor, currency(&row.currency)?),
                available: row.available,
                is_active: row.is_active,
            })
        })
        .collect()
}

fn currency(code: &str) -> Result<Currency, sqlx::Error> {
    Currency::from_code(code)
        .ok_or_else(|| sqlx::Error::Decode(format!("{code} is not an ISO 4217 code").into()))
}
