//! Accounts and sign-in.

mod accounts;
mod addresses;
mod deletion;
mod keys;
mod last_admin;
mod list;
mod lockout;
mod password;
mod profile;
mod register;
mod sessions;
mod sign_in;
mod signed_in;
mod work;
