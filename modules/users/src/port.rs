//! The users port, answered by the module itself.

use async_trait::async_trait;
use platform::db;
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest, Users,
};
use ports::{CallContext, Failure, PortError, PortResult};
use tokio::time::timeout_at;

use crate::Module;
use crate::store::{addresses, users};

#[async_trait]
impl Users for Module {
    async fn account(
        &self,
        cx: CallContext,
        request: AccountRequest,
    ) -> PortResult<Account, AccountRejection> {
        let user_id = request.user_id;
        let standing = users::standing(&self.pool, user_id, request.session_id);
        match within(&cx, standing).await? {
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

    async fn address(
        &self,
        cx: CallContext,
        request: AddressRequest,
    ) -> PortResult<Address, AddressRejection> {
        let address = addresses::by_id(&self.pool, request.user_id, request.address_id);
        let address = within(&cx, address).await?;
        address
            .map(Address::from)
            .ok_or(PortError::Rejected(AddressRejection::UnknownAddress))
    }
}

async fn within<T>(
    cx: &CallContext,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match timeout_at(cx.deadline.into(), statement).await {
        Ok(answer) => answer.map_err(|error| noticed(&error, cx)),
        Err(_) => Err(Failure::Timeout),
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
