//! What many products are searched by is computed in the program, and for all others in the
//! database: both agree.

use std::collections::BTreeMap;

use cleave::settings::Module;
use products::words::{document, normalised};
use sqlx::types::Json;

use crate::support::TestDatabases;

/// Letters that were added to Unicode lately are known to one and not yet to the other.
const LATE: [std::ops::RangeInclusive<char>; 0] = [];

/// Each character alone, within a word and at its end, where a sigma is another letter.
fn texts() -> Vec<String> {
    let chars = ('\u{1}'..=char::MAX).filter(|c| !LATE.iter().any(|late| late.contains(c)));
    let mut texts: Vec<String> = chars
        .map(|c| format!("{c} A{c}B A{c} {c}\u{301}Z"))
        .collect();
    texts.extend(
        [
            "",
            " ",
            "ΑΣ ΑΣ. ΑΣΑ Σ",
            "İI ıi ẞß",
            "ﬁ Å Å",
            "e\u{301}\u{327}\u{301}",
            "각 각",
            "नमस्ते दुनिया",
            "สวัสดี",
            "👩\u{200d}👩\u{200d}👧 x\u{ad}y z\u{feff}w",
            "१२३ ٣ Ⅷ ½ ①",
        ]
        .map(str::to_owned),
    );
    texts
}

#[tokio::test]
async fn the_program_and_the_database_find_the_same_words() {
    let databases = TestDatabases::create().await;
    let mut db = databases.connect(Module::Products).await;
    for texts in texts().chunks(20_000) {
        let found: Vec<String> = sqlx::query_scalar(
            "select search_text(text) from unnest($1::text[]) with ordinality t(text, n) order by n",
        )
        .bind(texts)
        .fetch_all(&mut db)
        .await
        .unwrap();
        for (text, found) in texts.iter().zip(found) {
            assert_eq!(normalised(text), found, "{}", text.escape_unicode());
        }
    }
}

#[tokio::test]
async fn the_program_and_the_database_make_the_same_document() {
    let databases = TestDatabases::create().await;
    let mut db = databases.connect(Module::Products).await;
    let long = "wörter und Wörter ".repeat(3000);
    let one = "é".repeat(9_000);
    let attributes = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    for (sku, name, attributes, description) in [
        (
            "MUG-1",
            "Café mug",
            attributes(&[("Größe", "XL\n\"b\" \\n")]),
            "Mug of clay, 1 l",
        ),
        ("!", "…", attributes(&[]), ""),
        (
            "a",
            &*one,
            attributes(&[("image_src", "x"), ("b", ""), ("aa", "z")]),
            &*long,
        ),
        (
            "ΑΣ",
            "각 각",
            attributes(&[("a", &one), ("B", &long), ("c", "late")]),
            &*one,
        ),
    ] {
        let (made, found): (Vec<String>, Vec<String>) = sqlx::query_as(
            "select tsvector_to_array(array_to_tsvector(string_to_array($1, ' '))),
                tsvector_to_array(search_document($2, $3, $4, $5))",
        )
        .bind(document(sku, name, &attributes, description))
        .bind(sku)
        .bind(name)
        .bind(Json(&attributes))
        .bind(description)
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(made, found, "{sku}");
    }
}
