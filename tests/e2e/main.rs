//! The shop as its users meet it: over sockets, on a real Postgres, each test with databases of
//! its own.

mod support;

mod constraints;
mod health;
mod http;
mod isolation;
mod openapi;
mod orders;
mod products;
mod users;
