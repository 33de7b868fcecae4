//! The catalogue and its stock.

mod categories;
mod export;
mod images;
mod lists;
mod search;
mod stock;
mod writing;
