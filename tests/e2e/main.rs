//! The shop as its users meet it: over sockets, on a real Postgres, each test with databases of
//! its own.

mod support;

mod orders;
mod races;
