//! The shop as its users meet it: over sockets, on a real Postgres, each test with databases of
//! its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod conformance;
mod constraints;
mod health;
mod holds;
mod http;
mod isolation;
mod openapi;
mod orders;
mod outbox;
mod process;
mod products;
mod races;
mod users;
