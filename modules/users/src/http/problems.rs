use std::time::Duration;

use actix_web::http::{StatusCode, header};
use platform::Problem;

use crate::HashError;
use crate::lifecycle::ChangeError;

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
