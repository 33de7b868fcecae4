use std::collections::BTreeMap;

use super::category::Category;
use super::price::MAX_PRICE;

pub const MAX_SKU: usize = 100;
pub const MAX_NAME: usize = 300;
const MAX_DESCRIPTION: usize = 50_000;
const MAX_HANDLE: usize = 200;
const MAX_ATTRIBUTES: usize = 100;
const MAX_ATTRIBUTE_NAME: usize = 100;
const MAX_ATTRIBUTE_VALUE: usize = 10_000;
const MAX_ON_HAND: i64 = 1_000_000_000_000;

/// What a record sets on the product with its SKU. What is `None` stays as it is, or takes its
/// default on a new product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub sku: String,
    pub name: Option<String>,
    pub description: Option<String>,
    /// In minor units of the shop's currency.
    pub price_minor: Option<i64>,
    pub category: Option<Cleared<Category>>,
    pub handle: Option<Cleared<String>>,
    pub attributes: Option<Attributes>,
    pub is_active: Option<bool>,
    pub on_hand: Option<i64>,
}

/// The new value of a field that may be without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared<T> {
    Clear,
    To(T),
}

impl<T> Cleared<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Clear => None,
            Self::To(value) => Some(value),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attributes {
    Replace(BTreeMap<String, String>),
    /// Those of the product that are not named stay.
    Merge(BTreeMap<String, String>),
}

impl Attributes {
    pub fn map(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Replace(map) | Self::Merge(map) => map,
        }
    }
}

/// What a format calls the fields of a [`Change`], for messages.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub sku: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub price: &'static str,
    pub category: &'static str,
    pub handle: &'static str,
    pub on_hand: &'static str,
}

impl Change {
    /// Checks every rule that the database would hold against it, so that it cannot refuse.
    pub fn check(&self, names: &Names) -> Result<(), String> {
        text(names.sku, &self.sku, 1, MAX_SKU)?;
        if let Some(name) = &self.name {
            text(names.name, name, 1, MAX_NAME)?;
            if name.trim().is_empty() {
                return Err(format!("{}: must not be blank", names.name));
            }
        }
        if let Some(description) = &self.description {
            text(names.description, description, 0, MAX_DESCRIPTION)?;
        }
        if let Some(handle) = self.handle.as_ref().and_then(Cleared::value) {
            text(names.handle, handle, 1, MAX_HANDLE)?;
        }
        if let Some(Category::Path(levels)) = self.category.as_ref().and_then(Cleared::value) {
            for level in levels {
                text(names.category, &level.name, 1, 200)?;
            }
        }
        range(names.price, self.price_minor, MAX_PRICE)?;
        range(names.on_hand, self.on_hand, MAX_ON_HAND)?;
        self.attributes.as_ref().map_or(Ok(()), check_attributes)
    }
}

fn check_attributes(attributes: &Attributes) -> Result<(), String> {
    let map = attributes.map();
    if map.len() > MAX_ATTRIBUTES {
        return Err(format!(
            "attributes: must not be more than {MAX_ATTRIBUTES}"
        ));
    }
    for (name, value) in map {
        text("attributes", name, 1, MAX_ATTRIBUTE_NAME)?;
        let field = format!("attributes.{name}");
        text(&field, value, 0, MAX_ATTRIBUTE_VALUE)?;
    }
    Ok(())
}

fn text(field: &str, text: &str, least: usize, most: usize) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{field}: must not contain the character U+0000"));
    }
    if text.len() < least {
        return Err(format!("{field}: must not be empty"));
    }
    // Only a text of more bytes than that can have more characters.
    if text.len() > most && text.chars().count() > most {
        return Err(format!("{field}: must have at most {most} characters"));
    }
    Ok(())
}

fn range(field: &str, value: Option<i64>, most: i64) -> Result<(), String> {
    match value {
        Some(value) if !(0..=most).contains(&value) => {
            Err(format!("{field}: must be from 0 to {most}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = super::super::ndjson::NAMES;

    fn fault(change: impl FnOnce(&mut Change)) -> String {
        let mut it = Change {
            sku: "A".to_owned(),
            ..Change::default()
        };
        change(&mut it);
        it.check(&NAMES).err().unwrap_or_default()
    }

    #[test]
    fn names_the_field_that_breaks_a_rule() {
        assert_eq!(fault(|_| {}), "");
        assert!(fault(|c| c.sku.clear()).starts_with("sku: "));
        assert!(fault(|c| c.sku = "é".repeat(101)).starts_with("sku: "));
        assert_eq!(fault(|c| c.sku = "é".repeat(100)), "");
        assert!(fault(|c| c.name = Some(" ".to_owned())).starts_with("name: "));
        assert!(fault(|c| c.name = Some("a\0".to_owned())).starts_with("name: "));
        assert!(fault(|c| c.price_minor = Some(-1)).starts_with("price.amount: "));
        assert!(fault(|c| c.on_hand = Some(i64::MAX)).starts_with("stock.on_hand: "));
        assert!(fault(|c| c.handle = Some(Cleared::To(String::new()))).starts_with("handle: "));
        let nul = BTreeMap::from([("Size".to_owned(), "\0".to_owned())]);
        assert!(
            fault(|c| c.attributes = Some(Attributes::Merge(nul))).starts_with("attributes.Size: ")
        );
    }
}
