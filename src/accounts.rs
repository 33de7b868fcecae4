//! The standing of accounts, asked of the users port and remembered for a moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use platform::auth::{Accounts, Role, Standing};
use platform::{Problem, RequestContext};
use ports::users::{AccountRejection, AccountRequest};
use ports::{CallContext, Failure, PortError, Users};
use uuid::Uuid;

/// A lock-out takes effect within 5 seconds; an answer is kept a little shorter than that.
const KEPT: Duration = Duration::from_secs(4);
const KEPT_MOST: u64 = 100_000;

pub struct CachedAccounts {
    users: Arc<dyn Users>,
    /// By user and session.
    standings: Cache<(Uuid, Uuid), Standing>,
}

impl CachedAccounts {
    pub fn new(users: Arc<dyn Users>) -> Self {
        let standings = Cache::builder()
            .max_capacity(KEPT_MOST)
            .time_to_live(KEPT)
            .build();
        Self { users, standings }
    }
}

#[async_trait]
impl Accounts for CachedAccounts {
    async fn standing(
        &self,
        user_id: Uuid,
        session_id: Uuid,
        cx: &RequestContext,
    ) -> Result<Standing, Problem> {
        // Requests that miss at the same time share one question; failures are not kept.
        self.standings
            .try_get_with(
                (user_id, session_id),
                ask(&*self.users, user_id, session_id, cx),
            )
            .await
            .map_err(|failure| match *failure {
                Failure::Timeout | Failure::Unavailable => Problem::unavailable(),
                Failure::Internal => Problem::internal(),
            })
    }
}

async fn ask(
    users: &dyn Users,
    user_id: Uuid,
    session_id: Uuid,
    cx: &RequestContext,
) -> Result<Standing, Failure> {
    let cx = CallContext {
        deadline: cx.deadline,
        request_id: cx.request_id.clone(),
        caller: Some(user_id),
        traceparent: Some(cx.traceparent.clone()),
    };
    let request = AccountRequest {
        user_id,
        session_id: Some(session_id),
    };
    match users.account(cx, request).await {
        Ok(account) if account.is_active => Ok(Standing::Active(match account.role {
            ports::users::Role::Customer => Role::Customer,
            ports::users::Role::Admin => Role::Admin,
        })),
        Ok(_)
        | Err(PortError::Rejected(
            AccountRejection::UnknownAccount | AccountRejection::SessionEnded,
        )) => Ok(Standing::Locked),
        Err(PortError::Failed(failure)) => Err(failure),
    }
}
