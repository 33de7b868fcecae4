//! The standing of accounts, asked of the users port and remembered for a moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::future::Cache;
use platform::auth::{Accounts, Role, Standing};
use platform::{Problem, RequestContext};
use ports::users::{AccountRejection, AccountRequest};
use ports::{CallContext, Failure, PortError, Users};
use uuid::Uuid;

/// A lock-out takes effect within 5 seconds; an answer serves a little shorter than that, counted
/// from when it was asked for. It is kept in one place on the way of a request: what forwards it
/// does not look at tokens, and the users module answers from its database.
const KEPT: Duration = Duration::from_secs(4);
const KEPT_MOST: u64 = 100_000;

pub struct CachedAccounts {
    users: Arc<dyn Users>,
    /// By user and session.
    standings: Cache<(Uuid, Uuid), Kept>,
}

#[derive(Clone, Copy)]
struct Kept {
    standing: Standing,
    asked: Instant,
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
        let arrived = Instant::now();
        let key = (user_id, session_id);
        loop {
            // Requests that miss at the same time share one question; failures are not kept.
            let question = ask(&*self.users, user_id, session_id, cx);
            let kept = self.standings.try_get_with(key, question).await;
            let kept = kept.map_err(|failure| match *failure {
                Failure::Timeout | Failure::Unavailable => Problem::unavailable(),
                Failure::Internal => Problem::internal(),
            })?;
            if arrived.saturating_duration_since(kept.asked) < KEPT {
                return Ok(kept.standing);
            }
            // The answer was long in coming. One that is asked for now is new enough.
            self.standings.invalidate(&key).await;
        }
    }
}

async fn ask(
    users: &dyn Users,
    user_id: Uuid,
    session_id: Uuid,
    cx: &RequestContext,
) -> Result<Kept, Failure> {
    let asked = Instant::now();
    let cx = CallContext {
        deadline: cx.deadline,
        request_id: cx.request_id.clone(),
        caller: Some(user_id),
        trace: Some(cx.trace),
    };
    let request = AccountRequest {
        user_id,
        session_id: Some(session_id),
    };
    let standing = match users.account(cx, request).await {
        Ok(account) if account.is_active => Standing::Active(match account.role {
            ports::users::Role::Customer => Role::Customer,
            ports::users::Role::Admin => Role::Admin,
        }),
        Ok(_)
        | Err(PortError::Rejected(
            AccountRejection::UnknownAccount | AccountRejection::SessionEnded,
        )) => Standing::Locked,
        Err(PortError::Failed(failure)) => return Err(failure),
    };
    Ok(Kept { standing, asked })
}
