use platform::Pool;
use platform::Problem;
use platform::db::{self, retry_contention};
use sqlx::PgConnection;
use sqlx::types::Json;
use thiserror::Error;
use uuid::Uuid;

use super::product::{Fields, Product};
use super::read;
use crate::words;

#[derive(Debug, Error)]
pub(crate) enum WriteError {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("another product has this sku")]
    SkuTaken,
    #[error("there is no such category")]
    UnknownCategory,
    /// By whoever was to say what becomes of it.
    #[error("the change was refused: {0}")]
    Refused(Problem),
    #[error("the product could not be stored")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("products_sku_key") => Self::SkuTaken,
            Some("products_category_fkey") => Self::UnknownCategory,
            _ => Self::Database(error),
        }
    }
}

/// Which rows nobody else writes meanwhile. Of the stock only when what is decided depends on it:
/// orders would have to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    Product,
    ProductAndStock,
}

/// Makes of a product what `decide` says; nothing is written when that is what it was.
pub(crate) async fn change(
    pool: &Pool,
    id: Uuid,
    locked: Locked,
    decide: impl Fn(&Product) -> Result<Fields, Problem>,
) -> Result<Product, WriteError> {
    let changed = retry_contention(|| async {
        let mut tx = db::begin(pool).await?;
        let Some(current) = lock(&mut tx, id, locked).await? else {
            return Ok(Err(WriteError::UnknownProduct));
        };
        let fields = match decide(&current) {
            Ok(fields) => fields,
            Err(refusal) => return Ok(Err(WriteError::Refused(refusal))),
        };
        if fields == current.fields() {
            return Ok(Ok(current));
        }
        update(&mut tx, id, &fields).await?;
        let changed = read::by_id(&mut *tx, id, true).await?;
        tx.commit().await?;
        Ok(changed.ok_or(WriteError::UnknownProduct))
    });
    changed.await?
}

/// The product as it is once nobody else writes it; read after the lock was waited for.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    id: Uuid,
    locked: Locked,
) -> Result<Option<Product>, sqlx::Error> {
    // The product first, as whoever records a movement of stock takes them the other way round,
    // but of the product only what this does not hold (its key).
    sqlx::query_scalar!(
        "select id from products where id = $1 for no key update",
        id
    )
    .fetch_optional(&mut *tx)
    .await?;
    if locked == Locked::ProductAndStock {
        sqlx::query_scalar!(
            "select product_id from stock where product_id = $1 for no key update",
            id
        )
        .fetch_optional(&mut *tx)
        .await?;
    }
    read::by_id(tx, id, true).await
}

/// Its time goes up, whatever the clock does: no two states of a product look the same.
async fn update(tx: &mut PgConnection, id: Uuid, to: &Fields) -> Result<(), sqlx::Error> {
    let words = to.words();
    sqlx::query!(
        "update products
        set sku = $2, name = $3, description = $4, price_minor = $5, currency = $6,
            category_id = $7, handle = $8, attributes = $9, is_active = $10,
            search = array_to_tsvector(string_to_array($11, ' ')),
            updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
        where id = $1",
        id,
        to.sku,
        to.name,
        to.description,
        to.price.amount,
        to.price.currency,
        to.category_id,
        to.handle,
        Json(&to.attributes) as _,
        to.is_active,
        words,
    )
    .execute(&mut *tx)
    .await?;
    words::teach(tx, words::taught(&words)).await
}
