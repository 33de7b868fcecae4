//! The users port.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CallContext, PortResult};

/// What other modules may ask of users.
#[async_trait]
pub trait Users: Send + Sync {
    /// The standing of an account. Repeatable.
    async fn account(
        &self,
        cx: CallContext,
        request: AccountRequest,
    ) -> PortResult<Account, AccountRejection>;
}

/// With a session, asks too whether that session still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRequest {
    pub user_id: Uuid,
    pub session_id: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub user_id: Uuid,
    pub is_active: bool,
    pub role: Role,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Admin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AccountRejection {
    UnknownAccount,
    /// Signed out, or revoked.
    SessionEnded,
}
