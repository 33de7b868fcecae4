//! What search compares: the words of a product, in lower case and without accents.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use sqlx::PgConnection;

pub(crate) const WORD_CHARS: usize = 200;
pub(crate) const WHOLE_CHARS: usize = 400;
const ATTRIBUTES_CHARS: usize = 10_000;
const DESCRIPTION_CHARS: usize = 20_000;

/// The attribute that is an address, not words.
const IMAGE: &str = "image_src";

static NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfd();
static CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> =
    CodePointMapData::<GeneralCategory>::new();

/// Words of letters and digits with a space between two.
pub fn normalised(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let lower: Cow<'_, str> = match text.is_ascii() {
        true => text.into(),
        false => NFD.normalize(text).to_lowercase().into(),
    };
    let mut begins = false;
    for c in lower.chars() {
        if is_accent(c) {
            continue;
        }
        if !belongs_to_word(c) {
            begins = !words.is_empty();
            continue;
        }
        if std::mem::take(&mut begins) {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn belongs_to_word(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric(),
        false => {
            let category = CATEGORY.get(c);
            category == GeneralCategory::DecimalNumber
                || GeneralCategoryGroup::Letter.contains(category)
        }
    }
}

/// The lexemes by which a product is found, with a space between two: `=oak` a word that names it
/// (of its name, SKU or attributes), `solid` one of its description only, `#chair_1` the SKU,
/// `^oak_chair` the name.
pub fn document(
    sku: &str,
    name: &str,
    attributes: &BTreeMap<String, String>,
    description: &str,
) -> String {
    let values = attributes.iter().filter(|(name, _)| *name != IMAGE);
    let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
    let values = values.join(" ");
    let title = normalised(&format!("{sku} {name} {}", head(&values, ATTRIBUTES_CHARS)));
    let text = normalised(head(description, DESCRIPTION_CHARS));

    let mut lexemes = String::with_capacity(2 * title.len() + text.len());
    let mut seen = HashSet::new();
    let mut push = |sign: &str, lexeme: &str| {
        if !lexemes.is_empty() {
            lexemes.push(' ');
        }
        lexemes.push_str(sign);
        lexemes.push_str(lexeme);
    };
    for (sign, words) in [("=", &title), ("", &text)] {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let word = head(word, WORD_CHARS);
            if seen.insert(word) {
                push(sign, word);
            }
        }
    }
    for (sign, whole) in [("#", sku), ("^", name)] {
        let whole = normalised(whole).replace(' ', "_");
        if !whole.is_empty() {
            push(sign, head(&whole, WHOLE_CHARS));
        }
    }
    lexemes
}

/// The first so many characters.
pub(crate) fn head(text: &str, chars: usize) -> &str {
    if text.len() <= chars {
        return text;
    }
    match text.char_indices().nth(chars) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Those words of a [`document`] that a mistyped one may have meant.
pub(crate) fn taught(document: &str) -> impl Iterator<Item = &str> {
    let title = document
        .split(' ')
        .filter_map(|word| word.strip_prefix('='));
    title.filter(|word| {
        (3..=30).contains(&word.chars().count()) && !word.contains(|c: char| c.is_ascii_digit())
    })
}

/// Teaches words that titles are made of.
pub(crate) async fn teach<'a>(
    tx: &mut PgConnection,
    words: impl IntoIterator<Item = &'a str>,
) -> Result<(), sqlx::Error> {
    let words: Vec<&str> = words.into_iter().collect();
    if words.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into search_words (word, variant)
        select new.word, variant
        from unnest($1::text[]) as new(word) cross join search_variants(new.word) variant
        where not exists (select from search_words known where known.word = new.word)
        "#,
        &words as &[&str],
    )
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_without_accents() {
        for (text, words) in [
            ("  Crème--Brûlée! ", "creme brulee"),
            ("İstanbul ΟΔΟΣ Straße", "istanbul οδος straße"),
            ("MUG-1/2", "mug 1 2"),
            ("\u{ff}\u{301}日本語", "y日本語"),
            ("…", ""),
        ] {
            assert_eq!(normalised(text), words, "{text}");
        }
    }

    #[test]
    fn a_document_tells_title_from_text() {
        let attributes = BTreeMap::from([
            ("Size".to_owned(), "XL".to_owned()),
            (IMAGE.to_owned(), "https://example.com/i.png".to_owned()),
        ]);
        let document = document("MUG-1", "Blue Mug", &attributes, "A blue mug of clay");
        assert_eq!(document, "=mug =1 =blue =xl a of clay #mug_1 ^blue_mug");
        assert_eq!(taught(&document).collect::<Vec<_>>(), ["mug", "blue"]);
        assert_eq!(super::document("!", "?", &BTreeMap::new(), "."), "");
    }

    #[test]
    fn long_words_are_cut() {
        let word = "é".repeat(300);
        let document = document("A", &word, &BTreeMap::new(), &word);
        assert_eq!(
            document,
            format!("=a ={} #a ^{}", "e".repeat(200), "e".repeat(300))
        );
    }
}
