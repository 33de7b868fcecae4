//! The end-to-end tests, the products module in another process.

#[path = "e2e/main.rs"]
mod e2e;

use e2e::support;
