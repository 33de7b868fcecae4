//! The catalogue and its stock.

mod categories;
mod lists;
mod search;
mod stock;
mod writing;
