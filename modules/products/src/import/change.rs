use std::collections::BTreeMap;

use uuid::Uuid;

use super::category::Category;
use crate::catalogue::rules::{
    DESCRIPTION_CHARS, MOST, check_attributes, check_handle, check_name, check_sku,
};

const CATEGORY_NAME_CHARS: usize = 200;

/// What a record sets on the product with its SKU. What is `None` stays as it is, or takes its
/// default on a new product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// For a new product: ids are given in the order of the file, whenever they land.
    pub id: Uuid,
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
        let say = |field, message| format!("{field}: {message}");
        check_sku(&self.sku).map_err(|message| say(names.sku, message))?;
        if let Some(name) = &self.name {
            no_nul(names.name, name)?;
            check_name(name).map_err(|message| say(names.name, message))?;
        }
        if let Some(description) = &self.description {
            no_nul(names.description, description)?;
            at_most(names.description, description, DESCRIPTION_CHARS)?;
        }
        if let Some(handle) = self.handle.as_ref().and_then(Cleared::value) {
            check_handle(handle).map_err(|message| say(names.handle, message))?;
        }
        if let Some(Category::Path(levels)) = self.category.as_ref().and_then(Cleared::value) {
            for level in levels {
                no_nul(names.category, &level.name)?;
                at_most(names.category, &level.name, CATEGORY_NAME_CHARS)?;
            }
        }
        if let Some(attributes) = &self.attributes {
            for (name, value) in attributes.map() {
                no_nul("attributes", name)?;
                no_nul(&format!("attributes.{name}"), value)?;
            }
            check_attributes(attributes.map()).map_err(|message| say("attributes", message))?;
        }
        range(names.price, self.price_minor)?;
        range(names.on_hand, self.on_hand)
    }
}

/// Postgres cannot store U+0000 in a text.
fn no_nul(field: &str, text: &str) -> Result<(), String> {
    match text.contains('\0') {
        true => Err(format!("{field}: must not contain the character U+0000")),
        false => Ok(()),
    }
}

fn at_most(field: &str, text: &str, most: usize) -> Result<(), String> {
    // Only a text of more bytes than that can have more characters.
    match text.len() > most && text.chars().count() > most {
        true => Err(format!(
            "{field}: must not be longer than {most} characters"
        )),
        false => Ok(()),
    }
}

fn range(field: &str, value: Option<i64>) -> Result<(), String> {
    match value {
        Some(value) if !(0..=MOST).contains(&value) => {
            Err(format!("{field}: must be from 0 to {MOST}"))
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
