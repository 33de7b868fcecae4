//! The end-to-end tests, each module in a process of its own, behind a front that hosts none.

#[path = "e2e/main.rs"]
mod e2e;

use e2e::support;
