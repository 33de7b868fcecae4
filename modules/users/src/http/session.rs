use actix_web::{HttpResponse, post, web};
use garde::Validate;
use platform::problem::ProblemDocument;
use platform::{Body, Problem};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problems::invalid_token;
use super::{NO_STORE, tokens};
use crate::Module;
use crate::refresh_token::RefreshToken;
use crate::store::sessions::{self, Device};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct SessionToken {
    #[schema(value_type = String, example = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA")]
    refresh_token: SecretString,
}

/// Exchanges a refresh token for a new pair.
///
/// A refresh token is good once. One that is presented a second time ends its session, for then
/// somebody else may have it.
#[utoipa::path(
    tag = "users",
    request_body = SessionToken,
    responses(
        (status = 200, description = "The session's next tokens", body = tokens::TokenPair<'static>),
        (status = 401, description = "`invalid_token`: unknown, spent, expired, or its session is over", body = ProblemDocument),
    )
)]
#[post("/auth/refresh")]
pub(super) async fn refresh(
    module: web::Data<Module>,
    device: Device,
    Body(body): Body<SessionToken>,
) -> Result<HttpResponse, Problem> {
    let token = RefreshToken::from(body.refresh_token).hash();
    let next = RefreshToken::random();
    let lifetime = module.config.refresh_token_lifetime;
    let rotated = sessions::rotate(&module.pool, &token, &next.hash(), lifetime, &device).await?;
    match rotated {
        Some(rotated) => tokens::answer(
            &module,
            rotated.user_id,
            rotated.role,
            rotated.session_id,
            &next,
        ),
        None => {
            if let Some(session_id) = sessions::end_if_spent(&module.pool, &token).await? {
                tracing::warn!(%session_id, "a spent refresh token came back; its session is over");
            }
            Err(invalid_token(
                "The refresh token is not valid any more; sign in again.",
            ))
        }
    }
}

/// Ends the session of a refresh token.
///
/// An unknown token is answered alike (RFC 7009, 2.2).
#[utoipa::path(
    tag = "users",
    request_body = SessionToken,
    responses(
        (status = 204, description = "The session is over"),
    )
)]
#[post("/auth/logout")]
pub(super) async fn logout(
    module: web::Data<Module>,
    Body(body): Body<SessionToken>,
) -> Result<HttpResponse, Problem> {
    let token = RefreshToken::from(body.refresh_token);
    sessions::end(&module.pool, &token.hash()).await?;
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}
