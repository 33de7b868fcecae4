//! The end-to-end tests, while every module moves between two processes.

#[path = "e2e/main.rs"]
mod e2e;

use e2e::support;
