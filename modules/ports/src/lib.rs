//! What the modules know of each other: traits, requests, replies, rejections and events.
//!
//! Everything here is an owned, serialisable value, so that a port can be answered by the module
//! itself or by an HTTP adapter in its place. There is no I/O in this crate.

pub mod audit;
mod call;
mod error;
pub mod events;
mod money;
pub mod orders;
pub mod products;
pub mod users;

pub use call::CallContext;
pub use error::{Failure, Never, PortError, PortResult};
pub use events::{Event, EventBody};
pub use iso_currency::Currency;
pub use money::Money;
pub use orders::Orders;
pub use products::Products;
pub use users::Users;
