//! A shop for each test, and verbs to use it with.
#![allow(dead_code, unused_imports, reason = "no target needs all of it")]

mod answer;
mod books;
mod client;
mod cluster;
mod document;
mod eventually;
mod instances;
mod locks;
mod loss;
mod mail;
mod ops;
mod outage;
pub mod pictures;
mod process;
pub mod proxy;
mod raw;
mod receiver;
mod shop;
mod topology;
mod turning;
mod verbs;

pub use answer::Answer;
pub use books::expect_balanced_books;
pub use client::client;
pub use cluster::{TestDatabases, admin_options, cluster};
pub use document::{METHODS, document, operations};
pub use eventually::{eventually, within};
pub use instances::AUTH_SECRET;
pub use locks::Blocker;
pub use loss::{CLOSED, FORBIDDEN, GONE, lose};
pub use outage::Outage;
pub use process::{Process, command, free_address, on, roomy_folder, server_of};
pub use raw::Raw;
pub use receiver::{Notice, Receiver, Reply};
pub use shop::TestShop;
pub use topology::Topology;
pub use verbs::{Customer, PASSWORD, address};
