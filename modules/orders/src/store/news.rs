use platform::Pool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::order::Step;

/// How many entries of an order's history are known.
pub struct Seen {
    pub order_id: Uuid,
    pub steps: i32,
}

/// An entry that is not.
pub struct News {
    pub order_id: Uuid,
    /// From 1, without gaps.
    pub step: i32,
    pub entry: Step,
}

struct Row {
    order_id: Uuid,
    step: i32,
    status: String,
    at: OffsetDateTime,
    reason: Option<String>,
    reference: Option<String>,
}

/// What is in the history of these orders behind what was seen, oldest first.
pub async fn news(pool: &Pool, seen: &[Seen]) -> Result<Vec<News>, sqlx::Error> {
    let (ids, steps): (Vec<Uuid>, Vec<i32>) =
        seen.iter().map(|seen| (seen.order_id, seen.steps)).unzip();
    let rows = sqlx::query_as!(
        Row,
        "select h.order_id, h.step, h.status, h.created_at as at, h.reason, h.reference
         from unnest($1::uuid[], $2::int[]) as seen (order_id, steps)
         join order_history h on h.order_id = seen.order_id and h.step > seen.steps
         order by h.order_id, h.step",
        &ids,
        &steps,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(News::try_from).collect()
}

impl TryFrom<Row> for News {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let status = row.status.try_into();
        Ok(Self {
            order_id: row.order_id,
            step: row.step,
            entry: Step {
                status: status.map_err(|what: String| sqlx::Error::Decode(what.into()))?,
                at: row.at,
                reason: row.reason,
                reference: row.reference,
            },
        })
    }
}
