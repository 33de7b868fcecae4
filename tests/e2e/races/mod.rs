//! What happens at the same time ends as if it had happened one after the other.

mod bodies;
mod cancels;
mod events;
mod keys;
mod life;
mod model;
mod rush;
mod steps;
