//! A shop for each test, and verbs to use it with.

mod answer;
mod cluster;
mod eventually;
mod raw;
mod shop;
mod topology;

pub use answer::Answer;
pub use cluster::{TestDatabases, admin_options, cluster};
pub use eventually::{eventually, within};
pub use raw::Raw;
pub use shop::{Customer, PASSWORD, TestShop};
pub use topology::Topology;
