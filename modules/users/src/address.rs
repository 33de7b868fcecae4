//! Where somebody's things go.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An address in the account's book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Address {
    pub id: Uuid,
    #[schema(example = "Anna Schmidt")]
    pub name: String,
    #[schema(example = "Unter den Linden 1")]
    pub line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    #[schema(example = "Berlin")]
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[schema(example = "10117")]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    pub country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Of an account's addresses, one is.
    pub is_default: bool,
}

impl From<Address> for ports::users::Address {
    fn from(address: Address) -> Self {
        Self {
            id: address.id,
            name: address.name,
            line1: address.line1,
            line2: address.line2,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
            phone: address.phone,
            is_default: address.is_default,
        }
    }
}
