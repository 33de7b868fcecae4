//! Why what is on hand of a product has changed.

use platform::Pool;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A change of what is on hand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Adjustment {
    #[serde(skip)]
    pub(crate) number: i64,
    /// Pieces that came; negative when they went.
    #[schema(example = -2)]
    pub(crate) delta: i64,
    /// In somebody's words, or `initial`, `counted`, `import`, `shipped`.
    #[schema(example = "damaged in the warehouse")]
    pub(crate) reason: String,
    /// Who changed it, when it was somebody.
    #[schema(required)]
    pub(crate) actor_id: Option<Uuid>,
    /// The order that the pieces went with.
    #[schema(required)]
    pub(crate) order_id: Option<Uuid>,
    #[serde(with = "platform::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// The latest `rows` before number `before`, the latest first. `None` when there is no such product.
pub(crate) async fn adjustments(
    pool: &Pool,
    product_id: Uuid,
    before: Option<i64>,
    rows: i64,
) -> Result<Option<Vec<Adjustment>>, sqlx::Error> {
    let adjustments = sqlx::query_as!(
        Adjustment,
        "select id as number, delta, reason, actor as actor_id, order_id, created_at
        from stock_movements where product_id = $1 and id < $2
        order by id desc limit $3",
        product_id,
        before.unwrap_or(i64::MAX),
        rows
    )
    .fetch_all(pool)
    .await?;
    if !adjustments.is_empty() {
        return Ok(Some(adjustments));
    }
    let product = sqlx::query_scalar!("select id from products where id = $1", product_id);
    let product = product.fetch_optional(pool).await?;
    Ok(product.map(|_| adjustments))
}
