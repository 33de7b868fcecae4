//! A shop for each test, and verbs to use it with.

mod answer;
mod books;
mod cluster;
mod eventually;
mod locks;
mod mail;
mod outage;
mod process;
mod raw;
mod shop;
mod topology;

pub use answer::Answer;
pub use books::expect_balanced_books;
pub use cluster::{TestDatabases, admin_options, cluster};
pub use eventually::{eventually, within};
pub use locks::Blocker;
pub use outage::Outage;
pub use process::{Process, command, free_address, roomy_folder, server_of};
pub use raw::Raw;
pub use shop::{Customer, PASSWORD, TestShop};
pub use topology::Topology;
