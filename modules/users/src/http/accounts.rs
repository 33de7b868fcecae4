use actix_web::{HttpResponse, get, patch, web};
use garde::Validate;
use platform::auth::Admin;
use platform::problem::ProblemDocument;
use platform::{Body, Problem, auth};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::NO_STORE;
use crate::Module;
use crate::account::{Role, User};
use crate::lifecycle::Change;
use crate::store::users;

/// What an administrator changes. What is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct AccountPatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = auth::Role, required = false)]
    role: Option<Role>,
    /// `false` ends every session of the account.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

/// A merge patch removes what is `null`, and these cannot be removed (RFC 7396).
fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(D::Error::custom("must not be null")),
    }
}

/// An account. A deleted one is shown as what remains of it.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the account")),
    responses(
        (status = 200, description = "The account", body = User),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 403, description = "Not an administrator", body = ProblemDocument),
        (status = 404, description = "No such account", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[get("/users/{id}")]
pub(super) async fn get_user(
    module: web::Data<Module>,
    _: Admin,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let user = users::by_id(&module.pool, *id).await?;
    let user = user.ok_or_else(|| Problem::not_found("account"))?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}

/// Changes the role of an account, locks or unlocks it.
///
/// Once it is locked its sessions are over, its tokens stop working within 5 seconds, and a sign-in
/// is answered as if the password were wrong.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the account")),
    request_body(content(
        (AccountPatch = "application/merge-patch+json"),
        (AccountPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The account as it is now", body = User),
        (status = 400, description = "No JSON", body = ProblemDocument),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 403, description = "Not an administrator", body = ProblemDocument),
        (status = 404, description = "No such account", body = ProblemDocument),
        (status = 409, description = "`last_admin`: nobody could administer the shop; `account_deleted`: it stays deleted", body = ProblemDocument),
        (status = 413, description = "The body is too large", body = ProblemDocument),
        (status = 415, description = "Another media type than JSON", body = ProblemDocument),
        (status = 422, description = "A field is not valid or not known", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[patch("/users/{id}")]
pub(super) async fn patch_user(
    module: web::Data<Module>,
    _: Admin,
    id: web::Path<Uuid>,
    Body(patch): Body<AccountPatch>,
) -> Result<HttpResponse, Problem> {
    let change = Change {
        role: patch.role,
        is_active: patch.is_active,
    };
    let user = module.change_account(*id, change).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}
