//! The books are proved, and what is wrong is found; whatever traffic there is.

mod command;
mod damage;
mod retell;
mod route;
mod traffic;
