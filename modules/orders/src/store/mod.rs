//! Orders in the database. The statements that change one are each a whole transaction.

pub mod cart;
mod insert;
mod news;
mod read;
mod transition;

pub use insert::{NewOrder, insert};
pub use news::{News, Seen, news};
pub use read::{OrderFilter, by_id, by_ids, by_key, list, overdue};
pub use transition::{Change, OrderKey, Reached, transition};
