//! Stock that is spoken for.
//!
//! A reservation is made as a hold, becomes an allocation when its order is placed, and is closed
//! when the order is over. Its state is also the memory of what was handled: every step may come
//! any number of times and takes effect once.
//!
//! Lock order, everywhere: the reservation first, then the stock rows by product id. Two baskets
//! that name the same products in opposite order queue up and never deadlock.

mod give_back;
mod order_events;
mod ship;
mod sweep;
mod take;

pub(crate) use give_back::{release, release_expired};
pub(crate) use order_events::{cancelled, placed};
pub(crate) use ship::shipped;
pub(crate) use sweep::sweep;
pub(crate) use take::hold;
