//! The shop as its clients meet it: over sockets, on a real Postgres, each test with databases of
//! its own. The files `tests/e2e_*.rs` run them where modules are remote: all of them where every
//! module is, or moves; where one is, those that meet at its boundary.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod support;

mod access;
mod boundaries;
mod holds;
mod http;
mod openapi;
mod orders;
mod outages;
mod outbox;
mod products;
mod races;
mod users;
