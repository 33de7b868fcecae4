use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use async_trait::async_trait;
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

impl FromRequest for MaybeCaller {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { authenticate(&req).await.map(Self) })
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let caller = authenticate(&req).await?;
            caller.ok_or_else(|| unauthorized("missing_token", "Bearer", "Sign in first."))
        })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = BoxedResult<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(req, payload);
        Box::pin(async move {
            match caller.await? {
                caller if caller.is_admin() => Ok(Self(caller)),
                _ => Err(Problem::forbidden()),
            }
        })
    }
}

async fn authenticate(req: &HttpRequest) -> Result<Option<Caller>, Problem> {
    let Some(header) = req.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let tokens = req.app_data::<web::Data<Tokens>>().ok_or_else(|| {
        tracing::error!("no token keys are configured");
        Problem::internal()
    })?;
    let claims = header
        .to_str()
        .ok()
        .and_then(bearer)
        .and_then(|token| tokens.verify(token))
        .ok_or_else(invalid_token)?;
    let role = match req.app_data::<web::Data<Arc<dyn Accounts>>>() {
        None => claims.role,
        Some(accounts) => {
            let cx = RequestContext::extract(req).await?;
            match accounts.standing(claims.sub, claims.sid, &cx).await? {
                Standing::Active(role) => role,
                Standing::Locked => return Err(invalid_token()),
            }
        }
    };
    Ok(Some(Caller {
        user_id: claims.sub,
        role,
        session_id: claims.sid,
    }))
}

/// The scheme's name is case-insensitive (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim_start())
}

fn invalid_token() -> Problem {
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
