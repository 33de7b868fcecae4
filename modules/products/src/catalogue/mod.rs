//! Products, categories and their stock: what they are, and the statements that keep them.

pub(crate) mod categories;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod cursor;
mod estimate;
pub(crate) mod facets;
mod frequency;
pub(crate) mod journal;
pub(crate) mod list;
pub(crate) mod place_category;
pub(crate) mod product;
pub(crate) mod read;
pub(crate) mod rules;
pub(crate) mod search;
mod slice;
pub(crate) mod stock;
mod tier;
