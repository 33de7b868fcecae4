//! Searches as people type them, the same ones for the same catalogue.

use std::time::Duration;

use products::demo::demo_product;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::import::{CURRENCY, SEED};
use crate::lists::{Client, say};

const EACH: usize = 200;

/// Makes a search of the words of a product's name.
type Kind = fn(&mut ChaCha8Rng, &[String]) -> String;

const KINDS: [(&str, Kind); 6] = [
    ("one word", |rng, words| one(rng, words).clone()),
    ("two words", |rng, words| {
        format!("{}%20{}", one(rng, words), one(rng, words))
    }),
    ("the whole name", |_, words| words.join("%20")),
    ("a typing error", |rng, words| {
        let word = one(rng, words);
        mistyped(rng, word)
    }),
    ("two words, one mistyped", |rng, words| {
        let word = one(rng, words);
        let wrong = mistyped(rng, word);
        format!("{}%20{wrong}", one(rng, words))
    }),
    ("the beginning of a word", |rng, words| {
        one(rng, words).chars().take(3).collect()
    }),
];

const PARAMETERS: [&str; 6] = [
    "",
    "&sort=price",
    "&sort=name",
    "&category=tableware",
    "&min_price=1000&max_price=3000",
    "&in_stock=true&sort=-price",
];

pub async fn run(client: &Client, products: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut all = Vec::new();
    for parameters in PARAMETERS {
        for (kind, query) in KINDS {
            let mut took = Vec::new();
            for _ in 0..EACH {
                let product = demo_product(SEED, rng.random_range(0..products), CURRENCY);
                let query = query(&mut rng, &words(&product.name));
                took.push(search(client, &query, parameters).await);
            }
            all.extend_from_slice(&took);
            say(&format!("search {kind} {parameters}"), &mut took);
        }
    }
    for (kind, query) in [
        ("in most descriptions", "it"),
        ("in many descriptions", "hand"),
        ("a SKU", "demo-000777"),
        ("nothing at all", "xylophonist"),
    ] {
        let mut took = Vec::new();
        for _ in 0..EACH {
            took.push(search(client, query, "").await);
        }
        all.extend_from_slice(&took);
        say(&format!("search {kind}"), &mut took);
    }
    say("all searches", &mut all);
}

async fn search(client: &Client, query: &str, parameters: &str) -> Duration {
    let path = format!("/api/v1/products?q={query}{parameters}");
    client.get(&path).await.1
}

fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| word.len() > 2)
        .map(str::to_lowercase)
        .collect()
}

fn one<'a>(rng: &mut ChaCha8Rng, words: &'a [String]) -> &'a String {
    &words[rng.random_range(0..words.len())]
}

/// With one letter replaced.
fn mistyped(rng: &mut ChaCha8Rng, word: &str) -> String {
    let at = rng.random_range(1..word.len());
    format!("{}q{}", &word[..at], &word[at + 1..])
}
