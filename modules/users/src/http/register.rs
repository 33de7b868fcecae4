use actix_web::{HttpResponse, post, web};
use garde::Validate;
use platform::problem::ProblemDocument;
use platform::{Body, Problem, RequestContext, db};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::NO_STORE;
use super::problems::{email_taken, too_many_attempts};
use crate::Module;
use crate::account::{User, check_email, check_full_name, check_password};
use crate::email::Email;
use crate::store::users;

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    /// Addresses that differ in case only are one address.
    #[garde(custom(check_email))]
    #[schema(format = Email, max_length = 254, example = "anna@example.com")]
    email: String,
    #[garde(custom(check_password))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 128,
        example = "correct horse battery staple")]
    password: SecretString,
    /// Not blank.
    #[garde(custom(check_full_name))]
    #[schema(min_length = 1, max_length = 200, example = "Anna Schmidt")]
    full_name: String,
}

/// Opens an account.
#[utoipa::path(
    tag = "users",
    request_body = Registration,
    responses(
        (status = 201, description = "The new account", body = User),
        (status = 409, description = "`email_taken`", body = ProblemDocument),
        (status = 503, description = "`busy`: too many passwords are being looked at", body = ProblemDocument),
    )
)]
#[post("/auth/register")]
pub(super) async fn register(
    cx: RequestContext,
    module: web::Data<Module>,
    Body(new): Body<Registration>,
) -> Result<HttpResponse, Problem> {
    let email = Email::parse(&new.email)
        .map_err(|error| Problem::invalid_field("email", error.to_string()))?;
    // A hash costs what a sign-in costs, and takes its turn from it.
    module
        .login_limit
        .check_address(cx.client)
        .await
        .map_err(too_many_attempts)?;
    let hash = module.hasher.hash(new.password).await?;
    match users::insert(&module.pool, &email, &hash, &new.full_name).await {
        Ok(user) => Ok(HttpResponse::Created().insert_header(NO_STORE).json(user)),
        Err(error) if db::constraint(&error) == Some("users_email_key") => Err(email_taken()),
        Err(error) => Err(error.into()),
    }
}
