//! The catalogue and its stock.

mod categories;
mod category_writes;
mod changes;
mod conditions;
mod export;
mod facets;
mod images;
mod journal;
mod lists;
mod search;
mod stock;
mod writing;
