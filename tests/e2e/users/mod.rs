//! Accounts and sign-in.

mod accounts;
mod deletion;
mod last_admin;
mod lockout;
mod register;
mod sessions;
mod sign_in;
