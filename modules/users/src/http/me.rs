use actix_web::{HttpResponse, get, web};
use platform::Problem;
use platform::auth::Caller;
use platform::problem::ProblemDocument;

use super::NO_STORE;
use super::problems::invalid_token;
use crate::Module;
use crate::account::User;
use crate::store::users;

/// The account that is signed in.
#[utoipa::path(
    tag = "users",
    responses(
        (status = 200, description = "The account", body = User),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[get("/auth/me")]
pub(super) async fn me(module: web::Data<Module>, caller: Caller) -> Result<HttpResponse, Problem> {
    let user = users::signed_in(&module.pool, caller.user_id, caller.session_id)
        .await?
        .ok_or_else(|| invalid_token("The session or its account is over."))?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}
