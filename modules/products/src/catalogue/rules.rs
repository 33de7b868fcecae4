//! What the fields of a product may hold, for whoever writes one.

use std::collections::BTreeMap;

/// The highest price in minor units, and the most pieces of one product.
pub(crate) const MOST: i64 = 1_000_000_000_000;
pub(crate) const DESCRIPTION_CHARS: usize = 50_000;

pub(crate) const NAME_CHARS: usize = 300;
pub(crate) const SKU_CHARS: usize = 100;
const CATEGORY_NAME_CHARS: usize = 200;
const SLUG_CHARS: usize = 200;
const HANDLE_CHARS: usize = 200;
pub(crate) const ATTRIBUTES: usize = 50;
pub(crate) const ATTRIBUTE_NAME_CHARS: usize = 100;
pub(crate) const ATTRIBUTE_VALUE_CHARS: usize = 1000;

pub(crate) fn check_name(name: &str) -> Result<(), String> {
    between_1_and(NAME_CHARS, name)?;
    match name.trim().is_empty() {
        true => Err("must not be blank".to_owned()),
        false => Ok(()),
    }
}

pub(crate) fn check_sku(sku: &str) -> Result<(), String> {
    between_1_and(SKU_CHARS, sku)?;
    if sku.trim() != sku || sku.chars().any(char::is_control) {
        return Err("must not begin or end with a space, nor hold control characters".to_owned());
    }
    Ok(())
}

pub(crate) fn check_handle(handle: &str) -> Result<(), String> {
    between_1_and(HANDLE_CHARS, handle)?;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    match handle.chars().all(allowed) {
        true => Ok(()),
        false => Err("must be letters, digits, `-`, `_` and `.`".to_owned()),
    }
}

pub(crate) fn check_category_name(name: &str) -> Result<(), String> {
    between_1_and(CATEGORY_NAME_CHARS, name)?;
    match name.trim().is_empty() {
        true => Err("must not be blank".to_owned()),
        false => Ok(()),
    }
}

pub(crate) fn check_slug(slug: &str) -> Result<(), String> {
    between_1_and(SLUG_CHARS, slug)?;
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    match slug.split('-').all(is_word) {
        true => Ok(()),
        false => Err("must be words of `a` to `z` and digits, joined by `-`".to_owned()),
    }
}

pub(crate) fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), String> {
    if attributes.len() > ATTRIBUTES {
        return Err(format!("must not be more than {ATTRIBUTES}"));
    }
    for (name, value) in attributes {
        between_1_and(ATTRIBUTE_NAME_CHARS, name).map_err(|message| format!("a name {message}"))?;
        if value.chars().count() > ATTRIBUTE_VALUE_CHARS {
            return Err(format!(
                "the value of `{name}` must not be longer than {ATTRIBUTE_VALUE_CHARS} characters"
            ));
        }
    }
    Ok(())
}

fn between_1_and(most: usize, text: &str) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("must not be empty".to_owned()),
        n if n > most => Err(format!("must not be longer than {most} characters")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_characters() {
        assert!(check_name(&"é".repeat(300)).is_ok());
        assert!(check_name(&"é".repeat(301)).is_err());
        assert!(check_name(" ").is_err());
        assert!(check_sku("").is_err());
    }

    #[test]
    fn a_sku_has_no_hidden_edges() {
        assert!(check_sku("MUG 1/2 (blue)").is_ok());
        for sku in [" MUG", "MUG ", "MUG\t1", "MUG\u{7f}"] {
            assert!(check_sku(sku).is_err(), "{sku:?}");
        }
    }

    #[test]
    fn a_handle_fits_a_path() {
        assert!(check_handle("größe-xl_2.0").is_ok());
        for handle in ["a b", "a/b", "a?b", ""] {
            assert!(check_handle(handle).is_err(), "{handle:?}");
        }
    }

    #[test]
    fn a_slug_is_words_joined_by_hyphens() {
        assert!(check_slug("desk-lamps-2").is_ok());
        for slug in [
            "",
            "-",
            "a--b",
            "-a",
            "a-",
            "A",
            "a b",
            "é",
            &*"a".repeat(201),
        ] {
            assert!(check_slug(slug).is_err(), "{slug:?}");
        }
    }

    #[test]
    fn attributes_are_few_and_short() {
        let one = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        assert!(check_attributes(&one("size", "")).is_ok());
        assert!(check_attributes(&one("", "x")).is_err());
        assert!(check_attributes(&one("size", &"x".repeat(1001))).is_err());
        let many = (0..51).map(|i| (i.to_string(), String::new())).collect();
        assert!(check_attributes(&many).is_err());
    }
}
