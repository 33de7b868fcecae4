//! What came of attempts, and what follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use platform::Pool;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::claim::Lease;

/// A webhook that has only failed for so long is disabled.
const FAILING_MOST: Duration = Duration::from_secs(5 * 24 * 3600);

/// One try to deliver.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    #[serde(with = "platform::rfc3339")]
    pub at: OffsetDateTime,
    /// What the receiver answered; `null` when it did not.
    #[schema(required)]
    pub status_code: Option<u16>,
    /// Why it was no success.
    #[schema(required)]
    pub error: Option<String>,
    pub duration_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// To be tried again after this time, if at all.
    Failed(Option<Duration>),
    /// The receiver wants no more.
    Gone,
}

pub struct Outcome {
    pub lease: Lease,
    pub attempt: Attempt,
    pub verdict: Verdict,
}

/// Writes down what came of attempts whose leases have not ended.
pub async fn record(pool: &Pool, outcomes: &[Outcome]) -> Result<(), sqlx::Error> {
    let leases = || outcomes.iter().map(|outcome| outcome.lease);
    let webhook_ids: Vec<Uuid> = leases().map(|lease| lease.webhook_id).collect();
    let event_ids: Vec<Uuid> = leases().map(|lease| lease.event_id).collect();
    let until: Vec<OffsetDateTime> = leases().map(|lease| lease.until).collect();
    let attempts: Vec<serde_json::Value> = outcomes
        .iter()
        .map(|outcome| serde_json::to_value(&outcome.attempt).unwrap_or_default())
        .collect();
    let delivered: Vec<bool> = outcomes
        .iter()
        .map(|outcome| outcome.verdict == Verdict::Delivered)
        .collect();
    let pauses: Vec<Option<f64>> = outcomes
        .iter()
        .map(|outcome| match outcome.verdict {
            Verdict::Failed(pause) => pause.map(|pause| pause.as_secs_f64()),
            _ => None,
        })
        .collect();
    sqlx::query!(
        "update webhook_deliveries row
         set attempts = row.attempts || outcome.attempt,
             delivered_at = case when outcome.delivered then now() end,
             due_at = now() + make_interval(secs => outcome.pause)
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::jsonb[], $5::bool[],
                     $6::float8[])
              as outcome (webhook_id, event_id, until, attempt, delivered, pause)
         where row.webhook_id = outcome.webhook_id and row.event_id = outcome.event_id
           and row.due_at = outcome.until",
        &webhook_ids,
        &event_ids,
        &until,
        &attempts,
        &delivered,
        &pauses as &[Option<f64>],
    )
    .execute(pool)
    .await?;
    for (webhook_id, best) in best_of_each(outcomes) {
        write_health(pool, webhook_id, best).await?;
    }
    Ok(())
}

/// Of each webhook: whether it took anything, else whether it wants no more.
fn best_of_each(outcomes: &[Outcome]) -> BTreeMap<Uuid, Verdict> {
    let rank = |verdict| match verdict {
        Verdict::Gone => 2,
        Verdict::Delivered => 1,
        Verdict::Failed(_) => 0,
    };
    let mut best = BTreeMap::new();
    for outcome in outcomes {
        let known = best
            .entry(outcome.lease.webhook_id)
            .or_insert(outcome.verdict);
        if rank(outcome.verdict) > rank(*known) {
            *known = outcome.verdict;
        }
    }
    best
}

/// Where nothing changes, no row is written: every order reads it.
async fn write_health(pool: &Pool, webhook_id: Uuid, verdict: Verdict) -> Result<(), sqlx::Error> {
    let disabled = match verdict {
        Verdict::Delivered => {
            sqlx::query!(
                "update webhooks set failing_since = null
                 where id = $1 and failing_since is not null and disabled_at is null",
                webhook_id,
            )
            .execute(pool)
            .await?;
            None
        }
        Verdict::Failed(_) => sqlx::query_scalar!(
            r#"update webhooks
                   set failing_since = coalesce(failing_since, now()),
                       disabled_at = case when failing_since is not null then now() end,
                       disabled_reason = case when failing_since is not null then 'failing' end
                   where id = $1 and disabled_at is null
                     and (failing_since is null
                          or failing_since < now() - make_interval(secs => $2))
                   returning disabled_reason"#,
            webhook_id,
            FAILING_MOST.as_secs_f64(),
        )
        .fetch_optional(pool)
        .await?
        .flatten(),
        Verdict::Gone => sqlx::query_scalar!(
            "update webhooks set disabled_at = now(), disabled_reason = 'gone'
                 where id = $1 and disabled_at is null
                 returning disabled_reason",
            webhook_id,
        )
        .fetch_optional(pool)
        .await?
        .flatten(),
    };
    if let Some(reason) = disabled {
        tracing::warn!(%webhook_id, reason, "a webhook is disabled");
    }
    Ok(())
}
