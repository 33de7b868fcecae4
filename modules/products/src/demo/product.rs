use std::collections::BTreeMap;
use std::time::Duration;

use iso_currency::Currency;
use ports::Money;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use time::OffsetDateTime;
use uuid::Uuid;

use super::kinds::{KINDS, Kind};
use super::words::{ADJECTIVES, BRANDS, CATEGORIES, PRAISE};
use crate::import::category::slug;

/// 2024-01-01T00:00:00Z; demo products were made within the year that begins here.
pub(super) const EPOCH_S: u64 = 1_704_067_200;
const YEAR_S: u64 = 365 * 24 * 3600;

/// Eight products in a row are five things: one in three variants, one in two, three in one.
const VARIANTS: [(u64, usize, usize); 8] = [
    (0, 0, 3),
    (0, 1, 3),
    (0, 2, 3),
    (1, 0, 2),
    (1, 1, 2),
    (2, 0, 1),
    (3, 0, 1),
    (4, 0, 1),
];
const THINGS: u64 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoProduct {
    pub id: Uuid,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub price: Money,
    pub handle: String,
    pub attributes: BTreeMap<String, String>,
    pub on_hand: i64,
    pub created_at: OffsetDateTime,
    /// The slug of its category.
    pub category: &'static str,
}

/// Which numbers are drawn, so that a thing and its variants do not draw the same.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    Thing,
    Product,
    Category,
}

pub(super) fn rng(seed: u64, draw: Draw, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16] = draw as u8;
    ChaCha8Rng::from_seed(key)
}

/// The product at `index`, from 0, of the demo catalogue with this seed. Asks no database.
pub fn demo_product(seed: u64, index: u64, currency: Currency) -> DemoProduct {
    let place = usize::try_from(index % VARIANTS.len() as u64).unwrap_or_default();
    let (thing, variant, variants) = VARIANTS[place];
    let thing = index / VARIANTS.len() as u64 * THINGS + thing;
    let thing = Thing::draw(seed, thing);
    let mut rng = rng(seed, Draw::Product, index);

    let (option, values) = thing.kind.option;
    let value = values[variant % values.len()];
    let mut attributes = BTreeMap::from([
        ("Brand".to_owned(), thing.brand.to_owned()),
        ("Material".to_owned(), thing.material.to_owned()),
    ]);
    let mut name = thing.name();
    if variants > 1 {
        attributes.insert(option.to_owned(), value.to_owned());
        name = format!("{name} - {value}");
    }
    let step = i64::try_from(variant).unwrap_or_default();
    let created_s = thing.created_s + variant as u64;
    DemoProduct {
        id: uuid::Builder::from_unix_timestamp_millis(created_s * 1000, &rng.random()).into_uuid(),
        sku: format!("DEMO-{:06}", index + 1),
        name,
        description: thing.description.clone(),
        price: Money::new(
            minor_units(thing.price + step * (thing.price / 1000) * 100, currency),
            currency,
        ),
        handle: format!("{}-{}", slug(&thing.name()), thing.number + 1),
        attributes,
        on_hand: rng.random_range(500..=5_000),
        created_at: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(created_s),
        category: CATEGORIES[thing.kind.category].1,
    }
}

/// What the variants of one thing have in common.
struct Thing {
    number: u64,
    kind: &'static Kind,
    brand: &'static str,
    adjective: &'static str,
    material: &'static str,
    noun: &'static str,
    description: String,
    /// In hundredths.
    price: i64,
    created_s: u64,
}

impl Thing {
    fn draw(seed: u64, number: u64) -> Self {
        let rng = &mut rng(seed, Draw::Thing, number);
        let kind = &KINDS[rng.random_range(0..KINDS.len())];
        let mut pick = |words: &[&'static str]| words.choose(rng).copied().unwrap_or_default();
        let (brand, adjective) = (pick(BRANDS), pick(ADJECTIVES));
        let (material, noun) = (pick(kind.materials), pick(kind.nouns));
        let (uses, care, praise) = (pick(kind.uses), pick(kind.care), pick(PRAISE));
        let (style, what) = (adjective.to_lowercase(), noun.to_lowercase());
        let of = material.to_lowercase();
        let description = match rng.random_range(0..3) {
            0 => format!("A {style} {what} by {brand}, made of {of}. It {uses}. {praise} {care}"),
            1 => format!(
                "{brand} makes this {what} of {of}. {praise} The {style} design {uses}. {care}"
            ),
            _ => format!("This {style} {what} {uses}. {brand} chose {of} for it. {care} {praise}"),
        };
        let (lowest, highest) = kind.price;
        // Cheap things are more common than dear ones.
        let share = rng.random_range(0.0_f64..1.0).powi(3);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let price = lowest + (share * (highest - lowest) as f64) as i64;
        let endings = [0, 50, 90, 95, 99];
        Self {
            number,
            kind,
            brand,
            adjective,
            material,
            noun,
            description,
            price: price / 100 * 100 + endings[rng.random_range(0..endings.len())],
            created_s: EPOCH_S + rng.random_range(0..YEAR_S),
        }
    }

    fn name(&self) -> String {
        let Self {
            brand,
            adjective,
            material,
            noun,
            ..
        } = self;
        format!("{brand} {adjective} {material} {noun}")
    }
}

/// Hundredths as minor units; a currency without them has prices of the same digits.
fn minor_units(hundredths: i64, currency: Currency) -> i64 {
    let digits = currency.exponent().unwrap_or(2).into();
    hundredths * 10_i64.pow(u32::saturating_sub(digits, 2))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::catalogue::rules;

    fn some(seed: u64) -> Vec<DemoProduct> {
        (0..2_000)
            .map(|index| demo_product(seed, index, Currency::EUR))
            .collect()
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(some(1), some(1));
        assert_ne!(some(1)[0].id, some(2)[0].id);
    }

    #[test]
    fn products_keep_the_rules_and_differ() {
        let products = some(7);
        for product in &products {
            rules::check_name(&product.name).unwrap();
            rules::check_sku(&product.sku).unwrap();
            rules::check_handle(&product.handle).unwrap();
            rules::check_attributes(&product.attributes).unwrap();
            assert!((1..=200_000).contains(&product.price.amount), "{product:?}");
            let stamp = product.id.get_timestamp().unwrap().to_unix().0;
            assert_eq!(
                i64::try_from(stamp).unwrap(),
                product.created_at.unix_timestamp()
            );
        }
        let distinct =
            |of: fn(&DemoProduct) -> &str| products.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(
            products.iter().map(|p| p.id).collect::<HashSet<_>>().len(),
            2_000
        );
        assert_eq!(distinct(|p| &p.sku), 2_000);
        assert_eq!(distinct(|p| &p.handle), 1_250);
        assert!(distinct(|p| &p.name) > 1_900);
        assert!(distinct(|p| &p.description) > 1_000);
        assert_eq!(distinct(|p| p.category), KINDS.len());
    }

    #[test]
    fn variants_share_a_handle_and_differ_in_attributes() {
        let products = some(3);
        let (one, two) = (&products[0], &products[1]);
        assert_eq!(one.handle, two.handle);
        assert_ne!(one.attributes, two.attributes);
        assert_ne!(one.name, two.name);
        assert_eq!(minor_units(1999, Currency::JPY), 1999);
        assert_eq!(minor_units(1999, Currency::KWD), 19_990);
    }
}
