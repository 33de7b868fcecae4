//! Webhooks in the database.

use platform::{Limit, Pool, Problem};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::EventType;
use super::secret::Secret;

/// Every order is told to all of them.
const WEBHOOKS_MOST: i64 = 50;

/// A webhook as it is shown, and what this view of it has besides.
macro_rules! view {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            pub id: Uuid,
            #[schema(example = "https://erp.example/hooks/orders")]
            pub url: String,
            /// What it is told of; `null` = everything, also what is yet to come.
            #[schema(required)]
            pub events: Option<Vec<EventType>>,
            /// A disabled one is told nothing any more; make another.
            pub is_active: bool,
            /// `gone`: it answered 410. `failing`: it took nothing for five days.
            #[schema(required, value_type = Option<DisabledReason>)]
            pub disabled_reason: Option<String>,
            #[serde(with = "platform::rfc3339::option")]
            #[schema(required)]
            pub disabled_at: Option<OffsetDateTime>,
            /// Since when every attempt has failed.
            #[serde(with = "platform::rfc3339::option")]
            #[schema(required)]
            pub failing_since: Option<OffsetDateTime>,
            #[serde(with = "platform::rfc3339")]
            pub created_at: OffsetDateTime,
            $($own)*
        }
    };
}

view!(Webhook {});

view! {
    /// A webhook that was just made.
    CreatedWebhook {
        /// Verifies the signatures; shown this once. Base64 after `whsec_`.
        #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
        pub secret: String,
    }
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum DisabledReason {
    Gone,
    Failing,
}

pub struct NewWebhook {
    pub url: String,
    pub events: Option<Vec<EventType>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("there are as many webhooks as there may be")]
    TooMany,
    #[error("the orders database failed")]
    Database(#[from] sqlx::Error),
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::TooMany => Problem::conflict(
                "too_many_webhooks",
                format!("There are {WEBHOOKS_MOST} webhooks; delete one first."),
            ),
            CreateError::Database(error) => error.into(),
        }
    }
}

struct Row {
    id: Uuid,
    url: String,
    events: Option<Vec<String>>,
    created_at: OffsetDateTime,
    failing_since: Option<OffsetDateTime>,
    disabled_at: Option<OffsetDateTime>,
    disabled_reason: Option<String>,
}

/// Whoever comes at the same time may bring one more than there may be.
pub async fn create(pool: &Pool, new: NewWebhook) -> Result<CreatedWebhook, CreateError> {
    let secret = Secret::random();
    let events = new.events.map(|mut events| {
        events.sort_unstable();
        events.dedup();
        let words = events.iter().map(|event| event.as_str().to_owned());
        words.collect::<Vec<String>>()
    });
    let row = sqlx::query_as!(
        Row,
        "insert into webhooks (id, url, events, secret)
         select $1, $2, $3, $4
         where (select count(*) from webhooks) < $5
         returning id, url, events, created_at, failing_since, disabled_at, disabled_reason",
        Uuid::now_v7(),
        new.url,
        events.as_deref(),
        secret.bytes(),
        WEBHOOKS_MOST,
    )
    .fetch_optional(pool)
    .await?;
    let webhook = Webhook::try_from(row.ok_or(CreateError::TooMany)?)?;
    Ok(webhook.with(secret.expose()))
}

/// The newest first.
pub async fn list(
    pool: &Pool,
    before: Option<Uuid>,
    limit: Limit,
) -> Result<Vec<Webhook>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, url, events, created_at, failing_since, disabled_at, disabled_reason
         from webhooks where id < $1
         order by id desc limit $2",
        before.unwrap_or(Uuid::max()),
        limit.rows_to_fetch(),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Webhook::try_from).collect()
}

pub async fn by_id(pool: &Pool, id: Uuid) -> Result<Option<Webhook>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, url, events, created_at, failing_since, disabled_at, disabled_reason
         from webhooks where id = $1",
        id,
    )
    .fetch_optional(pool)
    .await?;
    row.map(Webhook::try_from).transpose()
}

/// `false` when there is none.
pub async fn delete(pool: &Pool, id: Uuid) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("delete from webhooks where id = $1", id)
        .execute(pool)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

impl Webhook {
    fn with(self, secret: String) -> CreatedWebhook {
        CreatedWebhook {
            id: self.id,
            url: self.url,
            events: self.events,
            is_active: self.is_active,
            disabled_reason: self.disabled_reason,
            disabled_at: self.disabled_at,
            failing_since: self.failing_since,
            created_at: self.created_at,
            secret,
        }
    }
}

impl TryFrom<Row> for Webhook {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let events = row.events.map(|events| {
            let events = events.iter().map(|event| EventType::from_database(event));
            events.collect::<Result<Vec<_>, _>>()
        });
        Ok(Self {
            id: row.id,
            url: row.url,
            events: events.transpose()?,
            is_active: row.disabled_at.is_none(),
            disabled_reason: row.disabled_reason,
            disabled_at: row.disabled_at,
            failing_since: row.failing_since,
            created_at: row.created_at,
        })
    }
}
