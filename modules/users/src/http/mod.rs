//! The module's part of the public contract.

mod accounts;
mod addresses;
mod credentials;
mod device;
mod login;
mod me;
mod patch;
mod problems;
mod profile;
mod register;
mod session;
mod sessions;
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
        .service(sessions::list_sessions)
        .service(sessions::end_session)
        .service(profile::patch_me)
        .service(profile::change_password)
        .service(me::delete_me)
        .service(addresses::list_addresses)
        .service(addresses::add_address)
        .service(addresses::get_address)
        .service(addresses::replace_address)
        .service(addresses::delete_address)
        .service(accounts::list_users)
        .service(accounts::get_user)
        .service(accounts::patch_user);
}
