//! The catalogue and its stock.

mod categories;
mod category_writes;
mod changes;
mod conditions;
mod facets;
mod journal;
mod lists;
mod search;
mod stock;
mod writing;
