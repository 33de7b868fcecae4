use std::collections::BTreeMap;

use platform::Pool;
use platform::Problem;
use platform::db::{self, retry_contention};
use sqlx::PgExecutor;
use sqlx::types::Json;
use thiserror::Error;
use uuid::Uuid;

use super::change::{Locked, lock};
use super::product::{Product, ProductRow};
use super::read::select_product;

#[derive(Debug, Error)]
pub(crate) enum StockError {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("less would be on hand than is reserved")]
    InUse,
    #[error("more would be on hand than is allowed")]
    TooMuch,
    /// By whoever was to allow it.
    #[error("the change was refused: {0}")]
    Refused(Problem),
    #[error("the stock could not be changed")]
    Database(#[source] sqlx::Error),
}

/// How what is on hand changes.
#[derive(Debug)]
pub(crate) enum Change {
    /// To what was counted; the difference is recorded.
    Count { on_hand: i64 },
    /// By what came, or went when it is negative.
    Adjust { delta: i64, reason: String },
}

impl Change {
    /// Only more can be too much.
    fn is_upwards(&self) -> bool {
        let (Self::Count { on_hand: pieces } | Self::Adjust { delta: pieces, .. }) = self;
        *pieces > 0
    }

    fn refusal(&self, error: sqlx::Error) -> StockError {
        match db::constraint(&error) {
            Some("stock_available_check") => StockError::InUse,
            Some("stock_on_hand_check") if self.is_upwards() => StockError::TooMuch,
            Some("stock_on_hand_check") => StockError::InUse,
            _ => StockError::Database(error),
        }
    }
}

pub(crate) async fn change(
    pool: &Pool,
    product_id: Uuid,
    change: &Change,
    actor: Uuid,
) -> Result<Product, StockError> {
    let changed = write(pool, product_id, change, actor).await;
    let changed = changed.map_err(|error| change.refusal(error))?;
    changed.ok_or(StockError::UnknownProduct)
}

/// As [`change`], if the product, which nobody else writes meanwhile, is as `allow` wants it.
pub(crate) async fn change_if(
    pool: &Pool,
    product_id: Uuid,
    change: &Change,
    actor: Uuid,
    allow: impl Fn(&Product) -> Result<(), Problem>,
) -> Result<Product, StockError> {
    let changed = retry_contention(|| async {
        let mut tx = db::begin(pool).await?;
        let Some(current) = lock(&mut tx, product_id, Locked::ProductAndStock).await? else {
            return Ok(Err(StockError::UnknownProduct));
        };
        if let Err(refusal) = allow(&current) {
            return Ok(Err(StockError::Refused(refusal)));
        }
        let changed = write(&mut *tx, product_id, change, actor).await?;
        tx.commit().await?;
        Ok(changed.ok_or(StockError::UnknownProduct))
    });
    changed.await.map_err(|error| change.refusal(error))?
}

async fn write(
    db: impl PgExecutor<'_>,
    product_id: Uuid,
    change: &Change,
    actor: Uuid,
) -> Result<Option<Product>, sqlx::Error> {
    let (counted, pieces, reason) = match change {
        Change::Count { on_hand } => (true, *on_hand, "counted"),
        Change::Adjust { delta, reason } => (false, *delta, reason.as_str()),
    };
    // Both values from under the lock: the difference is that of this change, and Postgres first
    // holds the new row against the constraints with what it was when the statement began.
    let row = select_product!(
        "with before as materialized (
            select product_id, on_hand, reserved from stock where product_id = $1 for update
        ), changed as (
            update stock s
            set on_hand = case when $2 then 0 else before.on_hand end + $3,
                reserved = before.reserved
            from before where s.product_id = before.product_id
            returning s.product_id, s.on_hand, s.reserved, s.on_hand - before.on_hand as delta
        ), moved as (
            insert into stock_movements (product_id, delta, reason, actor)
            select product_id, delta, $4, $5 from changed where delta <> 0
        )",
        "changed",
        "true",
        product_id,
        counted,
        pieces,
        reason,
        actor
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Product::from))
}
