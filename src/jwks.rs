//! The public keys of access tokens, for whoever wants to verify them. Answered by every process, for
//! each verifies tokens itself.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use platform::auth::{KeySet, Tokens};
use platform::problem::ProblemDocument;
use utoipa_actix_web::service_config::ServiceConfig;

/// Wants `web::Data<Tokens>`.
pub fn route(cfg: &mut ServiceConfig<'_>) {
    cfg.service(public_keys);
}

/// The public keys of access tokens
///
/// A JSON Web Key Set (RFC 7517). A token names its key by `kid`; the first one signs. It is empty when
/// tokens are not signed with EdDSA.
#[utoipa::path(
    tag = "users",
    operation_id = "get_public_keys",
    responses(
        (status = 200, description = "The key set", body = KeySet),
        (status = 429, description = "`too_many_requests`: see `Retry-After`", body = ProblemDocument),
    ),
)]
#[get("/.well-known/jwks.json")]
async fn public_keys(tokens: web::Data<Tokens>) -> HttpResponse {
    HttpResponse::Ok()
        // Short enough that a new key is known before it signs; see auth.keys.
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(tokens.public_keys())
}
