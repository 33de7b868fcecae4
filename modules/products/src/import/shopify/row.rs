use std::collections::BTreeMap;

use super::columns::{Column, Header, OPTIONS};
use super::sku::Skus;
use super::{Facts, MAX_VARIANTS, NAMES, html};
use crate::catalogue::rules::{ATTRIBUTE_VALUE_CHARS, NAME_CHARS};
use crate::import::Entry;
use crate::import::category::Category;
use crate::import::cells::Cells;
use crate::import::change::{Attributes, Change, Cleared};
use crate::import::price::minor_units;

/// A row below the header.
pub struct Row<'a> {
    pub header: &'a Header,
    pub cells: &'a Cells,
}

impl Row<'_> {
    pub fn get(&self, column: Column) -> &str {
        self.header.cell(self.cells, column)
    }

    /// Products and images that the row tells of; takes in what it tells of its handle.
    pub fn entries(
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
        if !price.is_empty() && facts.variants >= MAX_VARIANTS {
            return Err(format!("Handle: has more than {MAX_VARIANTS} variants"));
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
                    skus: std::mem::take(&mut facts.skus),
                    url: image.to_owned(),
                });
            }
        }
        if let Some(product) = product {
            facts.variants += 1;
            if facts.image.is_none() {
                facts.skus.push(product.sku.clone());
            }
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
            id: uuid::Uuid::nil(),
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
