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
mod sku;

use std::collections::{BTreeMap, HashMap, VecDeque};

use iso_currency::Currency;

use self::columns::{Column, OPTIONS};
use self::sku::Skus;
use super::category::Category;
use super::cells::Cells;
use super::change::{Attributes, Change, Cleared, Names};
use super::price::minor_units;
use super::{Entry, ImportError};
use crate::catalogue::rules::{ATTRIBUTE_VALUE_CHARS, NAME_CHARS};

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
    /// The products that this file made of the handle.
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

struct Row<'a> {
    header: &'a Header,
    cells: &'a Cells,
}

impl Row<'_> {
    fn get(&self, column: Column) -> &str {
        self.header.cell(self.cells, column)
    }

    fn entries(
        &self,
        facts: &mut Facts,
        skus: &mut Skus,
        exponent: usize,
    ) -> Result<Vec<Entry>, String> {
        if !self.get(Column::Title).is_empty() {
            self.learn(facts)?;
        }
        let image = self.get(Column::ImageSrc);
        let price = self.get(Column::Price);
        if price.is_empty() && image.is_empty() {
            return Err("Variant Price: the row has neither a price nor an image".to_owned());
        }
        let mut entries = Vec::new();
        let fresh = facts.image.is_none() && !image.is_empty();
        if fresh {
            check_image(Column::ImageSrc, image)?;
        }
        let product = match price {
            "" => None,
            price => Some(self.product(facts, image, price, skus, exponent)?),
        };
        if fresh {
            facts.image = Some(image.to_owned());
            if !facts.skus.is_empty() {
                entries.push(Entry::Image {
                    skus: facts.skus.clone(),
                    url: image.to_owned(),
                });
            }
        }
        if let Some(product) = product {
            facts.skus.push(product.sku.clone());
            entries.push(Entry::Product(Box::new(product)));
        }
        Ok(entries)
    }

    /// Takes in what the first row of a handle tells. A title that is written on every row may
    /// come without the rest.
    fn learn(&self, facts: &mut Facts) -> Result<(), String> {
        let published = self.get(Column::Published).to_ascii_lowercase();
        let status = self.get(Column::Status).to_ascii_lowercase();
        if !["", "true", "false"].contains(&published.as_str()) {
            return Err("Published: must be true or false".to_owned());
        }
        if !["", "active", "unlisted", "draft", "archived"].contains(&status.as_str()) {
            return Err("Status: must be active, draft or archived".to_owned());
        }
        let description =
            html::text(self.get(Column::Body)).ok_or("Body (HTML): must have at most 256 KiB")?;
        if !(published.is_empty() && status.is_empty()) {
            facts.is_hidden = published == "false" || status == "draft" || status == "archived";
        }
        learn(&mut facts.title, self.get(Column::Title));
        learn(&mut facts.description, &description);
        learn(&mut facts.vendor, self.get(Column::Vendor));
        learn(&mut facts.tags, self.get(Column::Tags));
        learn(&mut facts.kind, self.get(Column::Type));
        for ((name, _), known) in OPTIONS.iter().zip(&mut facts.option_names) {
            learn(known, self.get(*name));
        }
        Ok(())
    }

    fn product(
        &self,
        facts: &Facts,
        image: &str,
        price: &str,
        skus: &mut Skus,
        exponent: usize,
    ) -> Result<Change, String> {
        let price =
            minor_units(price, exponent).map_err(|message| format!("Variant Price: {message}"))?;
        let on_hand = self.on_hand()?;
        let options = self.options(facts);
        let values: Vec<&str> = options.iter().map(|(_, value)| *value).collect();
        let handle = self.get(Column::Handle);
        let mut change = Change {
            sku: self.get(Column::Sku).to_owned(),
            name: Some(name(&facts.title, &values)),
            description: Some(facts.description.clone()),
            price_minor: Some(price),
            category: (!facts.kind.is_empty()).then(|| Cleared::To(Category::root(&facts.kind))),
            handle: Some(Cleared::To(handle.to_owned())),
            attributes: Some(Attributes::Merge(self.attributes(facts, &options, image)?)),
            is_active: Some(!facts.is_hidden),
            on_hand,
        };
        if change.sku.is_empty() {
            change.sku = skus.derive(handle, &values);
        }
        change.check(&NAMES)?;
        Ok(change)
    }

    fn on_hand(&self) -> Result<Option<i64>, String> {
        match self.get(Column::Quantity) {
            "" => Ok(None),
            quantity => quantity
                .parse::<i64>()
                .map(|quantity| Some(quantity.max(0)))
                .map_err(|_| "Variant Inventory Qty: must be an integer".to_owned()),
        }
    }

    /// Names and values of the row's options.
    fn options<'a>(&'a self, facts: &'a Facts) -> Vec<(&'a str, &'a str)> {
        let default = |name: &str, value: &str| {
            name.eq_ignore_ascii_case("title") && value.eq_ignore_ascii_case("default title")
        };
        OPTIONS
            .iter()
            .zip(&facts.option_names)
            .map(|((own, value), carried)| {
                let name = match (self.get(*own), carried.as_str()) {
                    ("", "") => own.name().split(' ').next().unwrap_or_default(),
                    ("", carried) => carried,
                    (own, _) => own,
                };
                (name, self.get(*value))
            })
            .filter(|(name, value)| !value.is_empty() && !default(name, value))
            .collect()
    }

    fn attributes(
        &self,
        facts: &Facts,
        options: &[(&str, &str)],
        image: &str,
    ) -> Result<BTreeMap<String, String>, String> {
        let variant_image = self.get(Column::VariantImage);
        check_image(Column::VariantImage, variant_image)?;
        let image = match (variant_image, &facts.image) {
            ("", Some(first)) => first,
            ("", None) => image,
            (own, _) => own,
        };
        let shared = [
            ("vendor", facts.vendor.as_str()),
            ("tags", whole_tags(&facts.tags)),
            ("image_src", image),
        ];
        let filled = shared.iter().filter(|(_, value)| !value.is_empty());
        Ok(filled
            .chain(options)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect())
    }
}

fn learn(known: &mut String, told: &str) {
    if !told.is_empty() {
        told.clone_into(known);
    }
}

/// `Title - Small / Red`, unless that is too long for a name.
fn name(title: &str, values: &[&str]) -> String {
    if values.is_empty() {
        return title.to_owned();
    }
    let whole = format!("{title} - {}", values.join(" / "));
    match whole.chars().count() {
        0..=NAME_CHARS => whole,
        _ => title.to_owned(),
    }
}

/// As many tags as an attribute holds.
fn whole_tags(tags: &str) -> &str {
    match tags.char_indices().nth(ATTRIBUTE_VALUE_CHARS) {
        None => tags,
        Some((end, _)) => tags[..end].rsplit_once(',').map_or("", |(head, _)| head),
    }
}

fn check_image(column: Column, url: &str) -> Result<(), String> {
    if url.contains('\0') || url.chars().count() > ATTRIBUTE_VALUE_CHARS {
        return Err(format!("{}: is not an address", column.name()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
