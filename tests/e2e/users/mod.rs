//! Accounts and sign-in.

mod lockout;
mod register;
mod sessions;
mod sign_in;
