//! The users port, answered by the module itself.

use async_trait::async_trait;
use platform::db;
use ports::users::{Account, AccountRejection, AccountRequest, Users};
use ports::{CallContext, Failure, PortError, PortResult};
use tokio::time::timeout_at;

use crate::Module;
use crate::store::users;

#[async_trait]
impl Users for Module {
    async fn account(
        &self,
        cx: CallContext,
        request: AccountRequest,
    ) -> PortResult<Account, AccountRejection> {
        let user_id = request.user_id;
        let standing = users::standing(&self.pool, user_id, request.session_id);
        let standing = timeout_at(cx.deadline.into(), standing)
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(|error| noticed(&error, &cx))?;
        match standing {
            Some(standing) if standing.session_ended => {
                Err(PortError::Rejected(AccountRejection::SessionEnded))
            }
            Some(standing) => Ok(Account {
                user_id,
                is_active: standing.is_active,
                role: standing.role.into(),
            }),
            None => Err(PortError::Rejected(AccountRejection::UnknownAccount)),
        }
    }
}

fn noticed(error: &sqlx::Error, cx: &CallContext) -> Failure {
    tracing::warn!(%error, request_id = cx.request_id, "the database did not serve a call");
    match db::failure(error) {
        db::Failure::Unavailable | db::Failure::Contention => Failure::Unavailable,
        db::Failure::Timeout => Failure::Timeout,
        db::Failure::Internal => Failure::Internal,
    }
}
