use actix_web::HttpResponse;
use platform::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::NO_STORE;
use crate::Module;
use crate::account::Role;
use crate::refresh_token::RefreshToken;

#[derive(Serialize, ToSchema)]
pub(super) struct TokenPair<'a> {
    /// Send it as `Authorization: Bearer <access_token>`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2ln")]
    access_token: &'a str,
    /// Good once, for the next pair.
    #[schema(example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA")]
    refresh_token: &'a str,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 1800)]
    expires_in: u64,
}

/// Answers an access token for the session, beside the refresh token that is in force now.
pub(super) fn answer(
    module: &Module,
    user_id: Uuid,
    role: Role,
    session_id: Uuid,
    refresh_token: &RefreshToken,
) -> Result<HttpResponse, Problem> {
    let access = module
        .tokens
        .issue(user_id, role.into(), session_id)
        .map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            Problem::internal()
        })?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(TokenPair {
        access_token: &access.token,
        refresh_token: refresh_token.expose(),
        token_type: "bearer",
        expires_in: access.expires_in.as_secs(),
    }))
}
