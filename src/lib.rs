//! The composition root of Cleave: it hosts modules, decides who answers each port, and serves.
//!
//! Start reading at [`wiring`].

// A program with fewer modules leaves parts of the root idle; the lints look at the whole one.
#![cfg_attr(
    not(all(feature = "users", feature = "products", feature = "orders")),
    allow(unused)
)]

pub mod access;
pub mod accounts;
pub mod archive;
pub mod cli;
pub mod commands;
pub mod connections;
pub mod databases;
pub mod dials;
pub mod docs;
pub mod embedded;
pub mod fallback;
pub mod gateway;
pub mod health;
pub mod instance;
pub mod jwks;
pub mod limits;
pub mod listener;
pub mod media;
pub mod metrics;
pub mod migrations;
pub mod module_config;
pub mod openapi;
pub mod ops;
pub mod private;
pub mod private_address;
pub mod reconcile;
pub mod server;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod traces;
pub mod wiring;
