//! Orders in the database. The statements that change one are each a whole transaction.

mod insert;
mod read;
mod transition;

pub use insert::{NewOrder, insert};
pub use read::{OrderFilter, by_id, by_ids, by_key, list, overdue};
pub use transition::{Change, OrderKey, Reached, transition};
