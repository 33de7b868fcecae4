use std::time::Duration;

use actix_web::http::{StatusCode, header};
use platform::Problem;

use crate::HashError;
use crate::address::MOST;
use crate::book::BookError;
use crate::lifecycle::ChangeError;
use crate::profile::{PasswordError, ProfileError};

/// One answer for an unknown email, a wrong password and a locked account.
pub(super) fn invalid_credentials() -> Problem {
    unauthorized(
        "invalid_credentials",
        "Bearer",
        "The email or the password is wrong.",
    )
}

pub(super) fn invalid_token(detail: &str) -> Problem {
    unauthorized("invalid_token", r#"Bearer error="invalid_token""#, detail)
}

fn unauthorized(code: &'static str, challenge: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

/// The address of somebody else.
pub(super) fn email_taken() -> Problem {
    Problem::conflict("email_taken", "There is an account with this email.")
}

pub(super) fn too_many_attempts(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        format!("Too many attempts; try again in {seconds} s."),
    )
    .with_header(header::RETRY_AFTER, seconds.to_string())
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => {
                tracing::warn!(%error, "a request was turned away");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "busy",
                    "Too many people are signing in or registering; try again shortly.",
                )
                .with_header(header::RETRY_AFTER, "2")
            }
            HashError::Failed(_) => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown => Self::not_found("account"),
            ChangeError::Deleted => Self::conflict(
                "account_deleted",
                "The account is deleted; nothing of it can come back.",
            ),
            ChangeError::LastAdmin => Self::conflict(
                "last_admin",
                "Nobody else administers the shop; make another administrator first.",
            ),
            ChangeError::Database(error) => error.into(),
        }
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::AccountDeleted => invalid_token("The account is deleted."),
            BookError::Unknown => Self::not_found("address"),
            BookError::Full => Self::conflict(
                "too_many_addresses",
                format!("There are {MOST} addresses already; delete one first."),
            ),
            BookError::Database(error) => error.into(),
        }
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Deleted => invalid_token("The account is deleted."),
            ProfileError::EmailTaken => email_taken(),
            ProfileError::Database(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Wrong => Self::invalid_field("current_password", "is wrong"),
            PasswordError::Hash(error) => error.into(),
            PasswordError::Database(error) => error.into(),
        }
    }
}
