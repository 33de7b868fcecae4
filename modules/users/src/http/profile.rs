use actix_web::{HttpResponse, patch, put, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Body, Problem, RequestContext};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::NO_STORE;
use super::patch::present;
use super::problems::too_many_attempts;
use crate::Module;
use crate::account::{User, check_email, check_full_name, check_password};
use crate::email::Email;
use crate::profile::Profile;

/// What somebody changes of themselves. What is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfilePatch {
    /// Not blank.
    #[garde(inner(custom(check_full_name)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200,
        pattern = r"\S", example = "Anna Schmidt")]
    full_name: Option<String>,
    /// Addresses that differ in case only are one address.
    #[garde(inner(custom(check_email)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, format = Email, max_length = 254,
        example = "anna@example.com")]
    email: Option<String>,
}

/// Change your name or your email
#[utoipa::path(
    tag = "users",
    request_body(content(
        (ProfilePatch = "application/merge-patch+json"),
        (ProfilePatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The account as it is now", body = User),
        (status = 409, description = "`email_taken`: somebody else has it", body = ProblemDocument),
    ),
)]
#[patch("/users/me")]
pub(super) async fn patch_me(
    module: web::Data<Module>,
    caller: Caller,
    Body(patch): Body<ProfilePatch>,
) -> Result<HttpResponse, Problem> {
    let email = patch.email.as_deref().map(Email::parse).transpose();
    let profile = Profile {
        full_name: patch.full_name,
        email: email.map_err(|error| Problem::invalid_field("email", error.to_string()))?,
    };
    let user = module.change_profile(caller.user_id, profile).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(user))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    #[garde(skip)]
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    current_password: SecretString,
    #[garde(custom(check_password))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 128,
        example = "another horse battery staple")]
    new_password: SecretString,
}

/// Change your password
///
/// Every other session of yours is over then. Attempts count as those of a sign-in do.
#[utoipa::path(
    tag = "users",
    request_body = PasswordChange,
    responses(
        (status = 204, description = "It is changed"),
        (status = 422, description = "`validation_failed`: also when `current_password` is wrong", body = ProblemDocument),
        (status = 503, description = "`busy`: too many passwords are being looked at", body = ProblemDocument),
    ),
)]
#[put("/users/me/password")]
pub(super) async fn change_password(
    cx: RequestContext,
    module: web::Data<Module>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    module
        .login_limit
        .check(cx.client, &caller.user_id.to_string())
        .await
        .map_err(too_many_attempts)?;
    module
        .change_password(
            caller.user_id,
            caller.session_id,
            change.current_password,
            change.new_password,
        )
        .await?;
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}
