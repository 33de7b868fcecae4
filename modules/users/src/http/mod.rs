//! The module's part of the public contract.

mod accounts;
mod credentials;
mod login;
mod me;
mod problems;
mod register;
mod session;
mod tokens;

use actix_web::http::header::{self, HeaderName};
use utoipa_actix_web::service_config::ServiceConfig;

const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// To be mounted below `/api/v1`.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(register::register)
        .service(login::login)
        .service(session::refresh)
        .service(session::logout)
        .service(me::me)
        .service(me::delete_me)
        .service(accounts::get_user)
        .service(accounts::patch_user);
}
