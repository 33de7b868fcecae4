use actix_web::{HttpResponse, post, web};
use platform::problem::ProblemDocument;
use platform::{Problem, RequestContext};

use super::credentials::{Credentials, PasswordGrant};
use super::problems::{invalid_credentials, too_many_attempts};
use super::tokens;
use crate::Module;
use crate::email::Email;
use crate::hasher::Verdict;
use crate::refresh_token::RefreshToken;
use crate::store::sessions::{self, Device};
use crate::store::users;

/// Signs in.
///
/// A wrong password, an unknown email and a locked account are answered alike, in the same time.
#[utoipa::path(
    tag = "users",
    request_body(content(
        (Credentials = "application/json"),
        (PasswordGrant = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "A session's first tokens", body = tokens::TokenPair<'static>),
        (status = 401, description = "`invalid_credentials`", body = ProblemDocument),
        (status = 503, description = "`busy`: too many passwords are being looked at", body = ProblemDocument),
    )
)]
#[post("/auth/login")]
pub(super) async fn login(
    cx: RequestContext,
    module: web::Data<Module>,
    device: Device,
    credentials: Credentials,
) -> Result<HttpResponse, Problem> {
    // What is no address finds no account.
    let key = Email::parse(&credentials.email).map_or_else(|_| String::new(), |email| email.key);
    module
        .login_limit
        .check(cx.client, &key)
        .await
        .map_err(too_many_attempts)?;

    let account = users::credentials(&module.pool, &key).await?;
    let stored = account.as_ref().map(|found| found.password_hash.clone());
    let verdict = module.hasher.verify(credentials.password, stored).await?;
    let (account, rehashed) = match (account, verdict) {
        (Some(account), Verdict::Right { rehashed }) if account.is_active => (account, rehashed),
        _ => return Err(invalid_credentials()),
    };

    let refresh_token = RefreshToken::random();
    let session_id = sessions::open(
        &module.pool,
        account.user_id,
        &account.password_hash,
        &refresh_token.hash(),
        module.config.refresh_token_lifetime,
        &device,
    )
    .await?
    .ok_or_else(invalid_credentials)?;
    if let Some(new) = rehashed {
        let (id, old) = (account.user_id, &account.password_hash);
        // The next sign-in will do it, when this one cannot.
        if let Err(error) = users::rehash(&module.pool, id, old, &new).await {
            tracing::warn!(%error, "an older password hash was kept");
        }
    }
    tokens::answer(
        &module,
        account.user_id,
        account.role,
        session_id,
        &refresh_token,
    )
}
