use std::collections::BTreeMap;

use platform::db;
use sqlx::PgPool;
use sqlx::types::Json;
use thiserror::Error;
use uuid::Uuid;

use super::product::{Product, ProductRow};
use super::read::select_product;
use crate::media::images::StoredImage;

#[derive(Debug, Error)]
pub(crate) enum StockError {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("less would be on hand than is reserved")]
    InUse,
    #[error("more would be on hand than is allowed")]
    TooMuch,
    #[error("the stock could not be changed")]
    Database(#[source] sqlx::Error),
}

/// Sets what is on hand, as counted; the difference is recorded.
pub(crate) async fn set(
    pool: &PgPool,
    product_id: Uuid,
    on_hand: i64,
    actor: Uuid,
) -> Result<Product, StockError> {
    // The row is locked before it is read, so that the difference is that of this change.
    let row = select_product!(
        "with before as (
            select product_id, on_hand from stock where product_id = $1 for update
        ), changed as (
            update stock s set on_hand = $2 from before where s.product_id = before.product_id
            returning s.product_id, s.on_hand, s.reserved, s.on_hand - before.on_hand as delta
        ), moved as (
            insert into stock_movements (product_id, delta, reason, actor)
            select product_id, delta, 'counted', $3 from changed where delta <> 0
        )",
        "changed",
        "true",
        product_id,
        on_hand,
        actor
    )
    .fetch_optional(pool)
    .await;
    outcome(row, on_hand)
}

/// Adds `delta`, or takes it away when it is negative.
pub(crate) async fn adjust(
    pool: &PgPool,
    product_id: Uuid,
    delta: i64,
    reason: &str,
    actor: Uuid,
) -> Result<Product, StockError> {
    let row = select_product!(
        "with changed as (
            update stock set on_hand = on_hand + $2 where product_id = $1
            returning product_id, on_hand, reserved
        ), moved as (
            insert into stock_movements (product_id, delta, reason, actor)
            select product_id, $2, $3, $4 from changed
        )",
        "changed",
        "true",
        product_id,
        delta,
        reason,
        actor
    )
    .fetch_optional(pool)
    .await;
    outcome(row, delta)
}

/// `wanted` tells the two ends of the range apart: only more can be too much.
fn outcome(
    row: Result<Option<ProductRow>, sqlx::Error>,
    wanted: i64,
) -> Result<Product, StockError> {
    match row {
        Ok(Some(row)) => Ok(row.into()),
        Ok(None) => Err(StockError::UnknownProduct),
        Err(error) => Err(match db::constraint(&error) {
            Some("stock_available_check") => StockError::InUse,
            Some("stock_on_hand_check") if wanted > 0 => StockError::TooMuch,
            Some("stock_on_hand_check") => StockError::InUse,
            _ => StockError::Database(error),
        }),
    }
}
