use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Role, Tokens};
use crate::{Problem, RequestContext};

/// A signed-in user whose account is active.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: Uuid,
    pub role: Role,
    pub session_id: Uuid,
}

impl Caller {
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// A signed-in administrator; 403 for anybody else.
#[derive(Clone, Debug)]
pub struct Admin(pub Caller);

/// Somebody or nobody; a token that is there must be valid.
#[derive(Clone, Debug)]
pub struct MaybeCaller(pub Option<Caller>);

impl MaybeCaller {
    pub fn is_admin(&self) -> bool {
        self.0.as_ref().is_some_and(Caller::is_admin)
    }
}

/// A [`Caller`] whose answer goes on after its head: whether they are still let in can be asked
/// again.
#[derive(Clone)]
pub struct LastingCaller {
    pub caller: Caller,
    expires_at: i64,
    accounts: Option<web::Data<Arc<dyn Accounts>>>,
}

impl LastingCaller {
    /// Who they are now; `None` when the token has expired, or its account or session no longer
    /// stands.
    pub async fn now(&self, cx: &RequestContext) -> Result<Option<Caller>, Problem> {
        if OffsetDateTime::now_utc().unix_timestamp() >= self.expires_at {
            return Ok(None);
        }
        let Some(accounts) = &self.accounts else {
            return Ok(Some(self.caller.clone()));
        };
        let (user_id, session_id) = (self.caller.user_id, self.caller.session_id);
        let standing = accounts.standing(user_id, session_id, cx).await?;
        Ok(match standing {
            Standing::Active(role) => Some(Caller {
                role,
                ..self.caller.clone()
            }),
            Standing::Locked => None,
        })
    }
}

/// Where the standing of an account is asked; app data as `web::Data<Arc<dyn Accounts>>`. A
/// process without it trusts the token until it expires.
#[async_trait]
pub trait Accounts: Send + Sync {
    async fn standing(
        &self,
        user_id: Uuid,
        session_id: Uuid,
        cx: &RequestContext,
    ) -> Result<Standing, Problem>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Active(Role),
    /// Unknown, deactivated or deleted, or signed out of this session.
    Locked,
}

type BoxedResult<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// Whether the request is let in, once somebody has asked; see [`let_in`].
struct Verdict(Shared<LocalBoxFuture<'static, Result<(), Problem>>>);

/// Waits until the handler's [`Caller`] or [`Admin`] is known, when it takes one: extractors run
/// side by side, and who is not let in should not learn what is wrong with the request.
pub(crate) fn let_in(req: &HttpRequest) -> impl Future<Output = Result<(), Problem>> + use<> {
    let verdict = req.extensions().get::<Verdict>().map(|v| v.0.clone());
    async move {
        match verdict {
            Some(verdict) => verdict.await,
            None => Ok(()),
        }
    }
}

impl FromRequest for MaybeCaller {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(req, |found| Ok(Self(found.map(|found| found.caller))))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(req, |found| Ok(known(found)?.caller))
    }
}

impl FromRequest for LastingCaller {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(req, known)
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ask(req, |found| match known(found)?.caller {
            caller if caller.is_admin() => Ok(Self(caller)),
            _ => Err(Problem::forbidden()),
        })
    }
}

fn known(found: Option<LastingCaller>) -> Result<LastingCaller, Problem> {
    found.ok_or_else(|| unauthorized("missing_token", "Bearer", "Sign in first."))
}

/// Finds out who is asking, and leaves word of whether they are let in.
fn ask<T: Clone + 'static>(
    req: &HttpRequest,
    admit: fn(Option<LastingCaller>) -> Result<T, Problem>,
) -> BoxedResult<T> {
    let found = authenticate(req);
    let answer = async move { admit(found.await?) }.boxed_local().shared();
    let verdict = answer.clone().map(|answer| answer.map(drop));
    let verdict = Verdict(verdict.boxed_local().shared());
    req.extensions_mut().insert(verdict);
    Box::pin(answer)
}

/// The future does not hold the request, in which its verdict is kept.
fn authenticate(
    req: &HttpRequest,
) -> impl Future<Output = Result<Option<LastingCaller>, Problem>> + use<> {
    let header = req.headers().get(header::AUTHORIZATION).cloned();
    let tokens = req.app_data::<web::Data<Tokens>>().cloned();
    let accounts = req.app_data::<web::Data<Arc<dyn Accounts>>>().cloned();
    let cx = RequestContext::extract(req);
    async move {
        let Some(header) = header else {
            return Ok(None);
        };
        let tokens = tokens.ok_or_else(|| {
            tracing::error!("no token keys are configured");
            Problem::internal()
        })?;
        let claims = header
            .to_str()
            .ok()
            .and_then(bearer)
            .and_then(|token| tokens.verify(token))
            .ok_or_else(invalid_token)?;
        let role = match &accounts {
            None => claims.role,
            Some(accounts) => {
                let cx = cx.await?;
                match accounts.standing(claims.sub, claims.sid, &cx).await? {
                    Standing::Active(role) => role,
                    Standing::Locked => return Err(invalid_token()),
                }
            }
        };
        Ok(Some(LastingCaller {
            caller: Caller {
                user_id: claims.sub,
                role,
                session_id: claims.sid,
            },
            expires_at: claims.exp,
            accounts,
        }))
    }
}

/// The scheme's name is case-insensitive (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim_start())
}

/// The token is none, or none any more.
pub fn invalid_token() -> Problem {
    unauthorized(
        "invalid_token",
        r#"Bearer error="invalid_token""#,
        "The access token is invalid or has expired.",
    )
}

fn unauthorized(code: &'static str, challenge: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
        .with_header(header::WWW_AUTHENTICATE, challenge)
}
