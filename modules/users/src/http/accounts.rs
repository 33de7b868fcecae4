use actix_web::{HttpResponse, get, patch, web};
use garde::Validate;
use platform::auth::Admin;
use platform::problem::ProblemDocument;
use platform::{Body, Cursor, Id, Limit, Page, Params, Problem, RequestContext, auth};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::NO_STORE;
use super::patch::present;
use crate::Module;
use crate::account::{Role, User};
use crate::lifecycle::Change;
use crate::store::listing::{self, Filter};
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

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub(super) struct ListAccounts {
    /// A part of the email or of the name; neither case nor accents matter.
    #[garde(inner(length(chars, max = 200)))]
    #[param(max_length = 200, example = "schmi")]
    q: Option<String>,
    #[param(value_type = Option<auth::Role>)]
    role: Option<Role>,
    is_active: Option<bool>,
    /// 1 to 100.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List accounts, the newest first
///
/// Deleted ones are left out.
#[utoipa::path(
    tag = "users",
    params(ListAccounts),
    responses((status = 200, description = "A page of accounts", body = Page<User>)),
)]
#[get("/users")]
pub(super) async fn list_users(
    module: web::Data<Module>,
    _: Admin,
    params: Params<ListAccounts>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let filter = Filter {
        part: params.q.unwrap_or_default(),
        role: params.role,
        is_active: params.is_active,
        before: params.cursor.map(|cursor| cursor.decode()).transpose()?,
    };
    let limit = params.limit.unwrap_or_default();
    let found = listing::list(&module.pool, &filter, limit).await?;
    let page = Page::from_rows(found, limit, |user| user.id);
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(page))
}

/// An account. A deleted one is shown as what remains of it.
#[utoipa::path(
    tag = "users",
    params(("id" = Uuid, Path, description = "Of the account")),
    responses(
        (status = 200, description = "The account", body = User),
    ),
)]
#[get("/users/{id}")]
pub(super) async fn get_user(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    let user = users::by_id(&module.pool, id).await?;
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
        (status = 409, description = "`last_admin`: nobody could administer the shop; `account_deleted`: it stays deleted", body = ProblemDocument),
    ),
)]
#[patch("/users/{id}")]
pub(super) async fn patch_user(
    module: web::Data<Module>,
    _: Admin,
    cx: RequestContext,
    Id(id): Id,
    Body(patch): Body<AccountPatch>,
) -> Result<HttpResponse, Problem> {
    let change = Change {
        role: patch.role,
        is_active: patch.is_active,
    };
    let user = module.change_account(id, change, cx.trace).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}
