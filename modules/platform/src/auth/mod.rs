//! Who is asking. A handler that takes a [`Caller`] or an [`Admin`] cannot be reached without one.

mod caller;
mod keys;
mod tokens;

pub(crate) use caller::let_in;
pub use caller::{Accounts, Admin, Caller, LastingCaller, MaybeCaller, Standing, invalid_token};
pub use keys::{Ed25519Key, KeySet, NotAKey, PublicKey};
pub use tokens::{AccessToken, Claims, Tokens};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Admin,
}
