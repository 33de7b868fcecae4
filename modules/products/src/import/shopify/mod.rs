//! Shopify's product CSV, as its admin exports it.
//!
//! - Each row with a `Variant Price` is a product. Its name is the `Title`, and for a variant
//!   `Title - Small / Red`, as Shopify itself writes the line of an order.
//! - What only a handle's first row tells (title, description, vendor, type, tags, published,
//!   status, the names of the options) holds for all its rows. A handle whose first row is
//!   rejected has no good rows. Rows of a handle stand together; a few products may come between.
//! - Attributes are the options (`{"Size": "Small"}`; `Title: Default Title` is none), `vendor`,
//!   `tags` and `image_src`; others that the product has stay.
//! - `image_src` is the variant's own `Variant Image`, else the first `Image Src` of the handle.
//! - `Type` is a root category. An empty one leaves the product where it is.
//! - A product is inactive when `Published` is false or `Status` is `draft` or `archived`.
//! - `Variant Inventory Qty` below zero, which Shopify has for an oversold variant, is 0 here. An
//!   empty one, or no such column, leaves the stock as it is.

mod columns;
mod html;
mod row;
mod sku;

use std::collections::{HashMap, VecDeque};

use iso_currency::Currency;

use self::columns::Column;
use self::row::Row;
use self::sku::Skus;
use super::cells::Cells;
use super::change::Names;
use super::{Entry, ImportError};

pub use columns::Header;

pub const NAMES: Names = Names {
    sku: "Variant SKU",
    name: "Title",
    description: "Body (HTML)",
    price: "Variant Price",
    category: "Type",
    handle: "Handle",
    on_hand: "Variant Inventory Qty",
};

/// How many handles are remembered, so that a file sorted by another column still reads.
const REMEMBERED: usize = 256;

/// How many variants a handle may have: as many as Shopify lets it have.
const MAX_VARIANTS: usize = 2048;

/// Reads the rows below a header.
#[derive(Debug)]
pub struct Shopify {
    header: Header,
    exponent: usize,
    skus: Skus,
    handles: HashMap<String, Facts>,
    oldest_first: VecDeque<String>,
}

/// What the rows of a handle have in common.
#[derive(Debug, Default)]
struct Facts {
    title: String,
    description: String,
    vendor: String,
    tags: String,
    kind: String,
    is_hidden: bool,
    option_names: [String; 3],
    image: Option<String>,
    variants: usize,
    /// The products that this file made of the handle before it told an image.
    skus: Vec<String>,
    rejected: bool,
}

impl Shopify {
    pub fn new(header: &Cells, currency: Currency) -> Result<Self, ImportError> {
        Ok(Self {
            header: Header::new(header)?,
            exponent: currency.exponent().unwrap_or(0).into(),
            skus: Skus::default(),
            handles: HashMap::new(),
            oldest_first: VecDeque::new(),
        })
    }

    /// What a row has to say: a product, an image for products that have none, or nothing new.
    pub fn read(&mut self, cells: &Cells) -> Result<Vec<Entry>, String> {
        cells.fits(self.header.width)?;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(Vec::new());
        }
        let row = Row {
            header: &self.header,
            cells,
        };
        let handle = row.get(Column::Handle);
        if handle.is_empty() {
            return Err("Handle: is required".to_owned());
        }
        let first = !row.get(Column::Title).is_empty();
        let facts = match self.handles.get_mut(handle) {
            Some(facts) => facts,
            None if first => remember(&mut self.handles, &mut self.oldest_first, handle),
            None => return Err("Title: no row above gives this handle its title".to_owned()),
        };
        if first {
            facts.rejected = false;
        } else if facts.rejected {
            return Err("Handle: the row that gives it its title was rejected".to_owned());
        }
        let result = row.entries(facts, &mut self.skus, self.exponent);
        facts.rejected = first && result.is_err();
        result
    }
}

fn remember<'a>(
    handles: &'a mut HashMap<String, Facts>,
    oldest_first: &mut VecDeque<String>,
    handle: &str,
) -> &'a mut Facts {
    if oldest_first.len() == REMEMBERED
        && let Some(oldest) = oldest_first.pop_front()
    {
        handles.remove(&oldest);
    }
    oldest_first.push_back(handle.to_owned());
    handles.entry(handle.to_owned()).or_default()
}

#[cfg(test)]
mod tests;
