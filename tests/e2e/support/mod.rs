//! A shop for each test, and verbs to use it with.

mod answer;
mod cluster;
mod eventually;
mod shop;
mod topology;

pub use answer::Answer;
pub use cluster::{TestDatabases, admin_options, cluster};
pub use eventually::eventually;
pub use shop::{Customer, TestShop};
pub use topology::Topology;
