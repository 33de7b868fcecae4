//! What the documents say to do, done.
#![allow(clippy::unwrap_used)]

mod adding_a_module;
mod shop;
mod tour;
