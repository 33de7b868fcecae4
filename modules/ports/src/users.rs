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

    /// Where something goes, as the account has it now. Repeatable.
    async fn address(
        &self,
        cx: CallContext,
        request: AddressRequest,
    ) -> PortResult<Address, AddressRejection>;
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
    /// Signed out or revoked, or none of this account.
    SessionEnded,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRequest {
    pub user_id: Uuid,
    pub address_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub id: Uuid,
    /// Of whoever lives there.
    pub name: String,
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub region: Option<String>,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: String,
    pub phone: Option<String>,
    /// The account's own, unless it says otherwise.
    pub is_default: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AddressRejection {
    /// There is none, or it is somebody else's.
    UnknownAddress,
}
