//! What operators, databases and other processes see of the shop. It is the same wherever modules
//! run, so these tests run once; what clients see is in `tests/e2e`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod conformance;
mod console;
mod constraints;
mod databases;
mod dials;
mod docs;
mod flash_sale;
mod frequent;
mod health;
mod isolation;
mod limits;
mod openapi;
mod outbox;
mod payment_window;
mod personal_data;
mod process;
mod reconcile;
mod stream;
mod topologies;
mod traces;
mod transactions;
