//! A module at a peer, and everything that can go wrong between the two: over sockets, through a
//! proxy that breaks what it is told to break.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod node;
mod split;

use support::proxy;

mod answers;
mod canary;
mod crowd;
mod dead;
mod dials;
mod load;
mod lost;
mod peers;
mod restart;
mod reuse;
mod shadow;
mod slow;
mod uploads;
