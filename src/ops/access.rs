//! Who is an operator: whoever shows `ops.token`.

use std::future::{Ready, ready};
use std::net::SocketAddr;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use platform::Problem;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::settings::Secrets;

/// Knows operators; app data.
pub struct Operators {
    /// Digests are compared, which takes the same time wherever they differ.
    token: [u8; 32],
    on_loopback: bool,
}

impl Operators {
    pub fn new(secrets: &Secrets, listening: SocketAddr) -> Self {
        Self {
            token: digest(secrets.ops_token.expose_secret()),
            on_loopback: listening.ip().is_loopback(),
        }
    }

    fn admit(&self, request: &HttpRequest) -> bool {
        let header = request.headers().get(header::AUTHORIZATION);
        let shown = header.and_then(|value| value.to_str().ok());
        shown
            .and_then(|value| value.split_once(' '))
            .is_some_and(|(scheme, token)| {
                scheme.eq_ignore_ascii_case("bearer") && digest(token.trim()) == self.token
            })
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// A request with the operator's token.
pub struct Operator;

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |_| false).map(|()| Self))
    }
}

/// An operator, or anybody on this machine where nobody else can reach the listener.
pub struct Scraper;

impl FromRequest for Scraper {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, |operators| operators.on_loopback).map(|()| Self))
    }
}

fn admit(request: &HttpRequest, anybody: fn(&Operators) -> bool) -> Result<(), Problem> {
    let operators = request.app_data::<web::Data<Operators>>();
    let admitted = operators.is_some_and(|known| anybody(known) || known.admit(request));
    if admitted {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "Operators show ops.token: `Authorization: Bearer <token>`.",
    );
    Err(problem.with_header(header::WWW_AUTHENTICATE, "Bearer"))
}
