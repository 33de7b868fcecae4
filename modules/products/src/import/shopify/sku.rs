use std::collections::HashMap;
use std::collections::hash_map::Entry;

use uuid::Uuid;

use super::super::category::slug;
use crate::catalogue::rules::SKU_CHARS;

const MAX_OWNERS: usize = 1 << 19;

/// Makes SKUs for variants that have none: `classic-varsity-top-medium`, from the handle and the
/// values of the options. Where that is too long, says nothing, or belongs to another variant of
/// the file, eight digits of a hash of handle and options are added.
///
/// Remembers 16 bytes for each variant without SKU; past so many, further ones get the digits too.
#[derive(Debug, Default)]
pub struct Skus {
    owners: HashMap<u64, u64>,
}

impl Skus {
    /// Whether the SKU is, or now becomes, that of `owner`.
    fn owns(&mut self, sku: u64, owner: u64) -> bool {
        let room = self.owners.len() < MAX_OWNERS;
        match self.owners.entry(sku) {
            Entry::Occupied(known) => *known.get() == owner,
            Entry::Vacant(free) if room => *free.insert(owner) == owner,
            Entry::Vacant(_) => false,
        }
    }

    pub fn derive(&mut self, handle: &str, values: &[&str]) -> String {
        let owner = variant(handle, values);
        let words: Vec<String> = std::iter::once(slug(handle))
            .chain(values.iter().map(|value| slug(&signed(value))))
            .filter(|word| !word.is_empty())
            .collect();
        let plain = words.join("-");
        if !plain.is_empty() && plain.len() <= SKU_CHARS {
            let key = Uuid::new_v5(&Uuid::NAMESPACE_OID, plain.as_bytes());
            if self.owns(key.as_u64_pair().0, owner) {
                return plain;
            }
        }
        let suffix = format!("{:08x}", owner >> 32);
        let head = &plain[..plain.len().min(SKU_CHARS - suffix.len() - 1)];
        match head.trim_end_matches('-') {
            "" => suffix,
            head => format!("{head}-{suffix}"),
        }
    }
}

/// The sign of a number is what tells some variants apart.
fn signed(value: &str) -> String {
    let number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    match (value.strip_prefix('+'), value.strip_prefix('-')) {
        (Some(rest), _) if number(rest) => format!("plus {rest}"),
        (_, Some(rest)) if number(rest) => format!("minus {rest}"),
        _ => value.to_owned(),
    }
}

/// The same for the same handle and options, in every file and every release.
fn variant(handle: &str, values: &[&str]) -> u64 {
    let whole = [&[handle], values].concat().join("\u{1f}");
    Uuid::new_v5(&Uuid::NAMESPACE_OID, whole.as_bytes())
        .as_u64_pair()
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_variant_is() {
        let mut skus = Skus::default();
        for (handle, values, wanted) in [
            ("ocean-blue-shirt", &[][..], "ocean-blue-shirt"),
            ("top", &["Medium", "Sky Blue"], "top-medium-sky-blue"),
            ("lens", &["+1.50"], "lens-plus-1-50"),
            ("lens", &["-1.50"], "lens-minus-1-50"),
            ("tee", &["Größe 8"], "tee-grosse-8"),
        ] {
            assert_eq!(skus.derive(handle, values), wanted);
            assert_eq!(skus.derive(handle, values), wanted, "again");
        }
    }

    #[test]
    fn tells_variants_apart_that_read_alike() {
        let mut skus = Skus::default();
        assert_eq!(skus.derive("tee", &["S/M"]), "tee-s-m");
        let other = skus.derive("tee", &["S-M"]);
        assert_eq!(other, "tee-s-m-07c9c00b");
        assert_eq!(skus.derive("tee", &["S-M"]), other);
        assert_ne!(skus.derive("tee-s", &["M"]), "tee-s-m");
    }

    #[test]
    fn remembers_so_many_owners() {
        let mut skus = Skus::default();
        assert!((0..=MAX_OWNERS as u64).all(|sku| skus.owns(sku, 7) == (sku < MAX_OWNERS as u64)));
        assert_eq!(skus.owners.len(), MAX_OWNERS);
        assert!(skus.owns(3, 7));
        assert!(skus.derive("tee", &["S"]).starts_with("tee-s-"));
    }

    #[test]
    fn keeps_to_a_hundred_characters() {
        let mut skus = Skus::default();
        let handle = "long-".repeat(40);
        let (one, two) = (
            skus.derive(&handle, &["One"]),
            skus.derive(&handle, &["Two"]),
        );
        assert_ne!(one, two);
        assert!(one.len() <= SKU_CHARS && one.starts_with("long-long-"));
        assert_eq!(skus.derive("!", &[]).len(), 8);
    }
}
