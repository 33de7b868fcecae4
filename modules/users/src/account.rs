//! What is known of an account, and the rules of its fields.

use platform::auth;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::email::Email;

/// An account, as its owner and an administrator see it.
#[derive(Debug, Serialize, sqlx::FromRow, ToSchema)]
pub struct User {
    pub id: Uuid,
    #[schema(example = "anna@example.com")]
    pub email: String,
    #[schema(example = "Anna Schmidt")]
    pub full_name: String,
    #[schema(value_type = auth::Role)]
    pub role: Role,
    pub is_active: bool,
    #[serde(with = "platform::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "platform::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// What an account may do, as the database keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    Customer,
    Admin,
}

impl From<Role> for auth::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for ports::users::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Admin => Self::Admin,
        }
    }
}

pub(crate) fn check_email<C>(email: &str, _: &C) -> garde::Result {
    match Email::parse(email) {
        Ok(_) => Ok(()),
        Err(error) => Err(garde::Error::new(error)),
    }
}

/// 12 to 128 characters, counted as Unicode scalar values.
pub(crate) fn check_password<C>(password: &SecretString, _: &C) -> garde::Result {
    match password.expose_secret().chars().count() {
        12..=128 => Ok(()),
        _ => Err(garde::Error::new("must have 12 to 128 characters")),
    }
}

pub(crate) fn check_full_name<C>(name: &str, _: &C) -> garde::Result {
    if name.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if name.chars().count() > 200 {
        return Err(garde::Error::new("must have at most 200 characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_measured_in_characters() {
        let allowed = |n| check_password(&"é".repeat(n).into(), &()).is_ok();
        assert_eq!([11, 12, 128, 129].map(allowed), [false, true, true, false]);
    }

    #[test]
    fn names_are_not_blank() {
        let allowed = |name: &str| check_full_name(name, &()).is_ok();
        assert!(allowed("李"));
        assert!(allowed(&"é".repeat(200)));
        assert!(!allowed(&"é".repeat(201)));
        assert!(!allowed(""));
        assert!(!allowed(" \u{a0}\t"));
    }
}
