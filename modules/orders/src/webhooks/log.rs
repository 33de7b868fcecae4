//! What was told to a webhook, and what came of it.

use platform::Limit;
use platform::Pool;
use serde::Serialize;
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::EventType;
use super::outcome::Attempt;

/// An event on its way to one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// The `webhook-id` of every attempt.
    pub id: Uuid,
    #[serde(rename = "type")]
    pub event_type: EventType,
    pub order_id: Uuid,
    pub status: DeliveryStatus,
    #[serde(with = "platform::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "platform::rfc3339::option")]
    #[schema(required)]
    pub delivered_at: Option<OffsetDateTime>,
    /// While it is pending. One that is under way shows when it would be tried again if nothing
    /// came of it.
    #[serde(with = "platform::rfc3339::option")]
    #[schema(required)]
    pub next_attempt_at: Option<OffsetDateTime>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be tried, or tried again.
    Pending,
    Delivered,
    /// It will not be tried again.
    Failed,
}

/// The newest first; `None` when there is no such webhook.
pub async fn deliveries(
    pool: &Pool,
    webhook_id: Uuid,
    before: Option<Uuid>,
    limit: Limit,
) -> Result<Option<Vec<Delivery>>, sqlx::Error> {
    let active = sqlx::query_scalar!(
        r#"select disabled_at is null as "active!" from webhooks where id = $1"#,
        webhook_id,
    );
    let Some(active) = active.fetch_optional(pool).await? else {
        return Ok(None);
    };
    let rows = sqlx::query!(
        r#"select event_id, type as event_type, order_id, created_at, delivered_at, due_at,
             attempts as "attempts: Json<Vec<Attempt>>"
           from webhook_deliveries
           where webhook_id = $1 and event_id < $2
           order by event_id desc limit $3"#,
        webhook_id,
        before.unwrap_or(Uuid::max()),
        limit.rows_to_fetch(),
    )
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter().map(|row| {
        let next_attempt_at = row.due_at.filter(|_| active);
        let status = match (row.delivered_at, next_attempt_at) {
            (Some(_), _) => DeliveryStatus::Delivered,
            (None, Some(_)) => DeliveryStatus::Pending,
            (None, None) => DeliveryStatus::Failed,
        };
        Ok(Delivery {
            id: row.event_id,
            event_type: EventType::from_database(&row.event_type)?,
            order_id: row.order_id,
            status,
            created_at: row.created_at,
            delivered_at: row.delivered_at,
            next_attempt_at,
            attempts: row.attempts.0,
        })
    });
    found.collect::<Result<_, _>>().map(Some)
}
