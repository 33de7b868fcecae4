//! The gateway as a hostile client and a careless peer meet it: byte for byte, over raw sockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "shared with the end-to-end tests")]
#[path = "../e2e/support/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "shared with the end-to-end tests")]
#[path = "../e2e/support/eventually.rs"]
mod eventually;

mod client;
mod front;
mod message;
mod peer;

mod answers;
mod connections;
mod headers;
mod paths;
mod private;
mod same;
mod smuggling;
mod uploads;
