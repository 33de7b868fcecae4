use actix_web::{HttpResponse, delete, get, web};
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Problem, RequestContext};

use super::NO_STORE;
use super::problems::invalid_token;
use crate::Module;
use crate::account::User;
use crate::lifecycle::ChangeError;
use crate::store::users;

/// The account that is signed in.
#[utoipa::path(
    tag = "users",
    responses(
        (status = 200, description = "The account", body = User),
    ),
)]
#[get("/auth/me")]
pub(super) async fn me(module: web::Data<Module>, caller: Caller) -> Result<HttpResponse, Problem> {
    let user = users::signed_in(&module.pool, caller.user_id, caller.session_id)
        .await?
        .ok_or_else(|| invalid_token("The session or its account is over."))?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}

/// Deletes the account that is signed in.
///
/// What tells of the person is replaced at once and cannot be had back; the email may be registered
/// again. Orders stay, without what was written in them. Tokens stop working within 5 seconds.
#[utoipa::path(
    tag = "users",
    responses(
        (status = 204, description = "Nothing of the person is left"),
        (status = 409, description = "`last_admin`: nobody could administer the shop", body = ProblemDocument),
    ),
)]
#[delete("/users/me")]
pub(super) async fn delete_me(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
) -> Result<HttpResponse, Problem> {
    match module.delete_account(caller.user_id, cx.trace).await {
        Ok(()) => Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish()),
        Err(ChangeError::Unknown | ChangeError::Deleted) => {
            Err(invalid_token("The account is deleted."))
        }
        Err(error) => Err(error.into()),
    }
}
