//! What many products are searched by is computed in the program, and for all others in the
//! database: both agree.

use std::collections::BTreeMap;

use cleave::settings::Module;
use products::words::{document, normalised};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::support::TestDatabases;

/// A character alone, within a word and at its end, where a sigma is another letter.
fn around(c: char) -> String {
    format!("{c} A{c}B A{c} {c}\u{301}Z")
}

/// What a character is to who does not know it.
fn is_nothing_in(found: &str, c: char) -> bool {
    found == normalised(&around(c).replace(c, " "))
}

#[tokio::test]
async fn the_program_and_the_database_find_the_same_words() {
    let databases = TestDatabases::create().await;
    let mut db = databases.connect(Module::Products).await;
    let chars: Vec<char> = ('\u{1}'..=char::MAX).collect();
    let mut young = 0;
    for chars in chars.chunks(20_000) {
        let texts: Vec<String> = chars.iter().map(|c| around(*c)).collect();
        for (c, found) in chars.iter().zip(search_text(&mut db, &texts).await) {
            let made = normalised(&around(*c));
            if made != found {
                // One of them is of an older Unicode.
                assert!(*c > '\u{500}', "{c:?}: {made:?} {found:?}");
                let unknown = is_nothing_in(&found, *c) || is_nothing_in(&made, *c);
                assert!(unknown, "{c:?}: {made:?} {found:?}");
                young += 1;
            }
        }
    }
    assert!(young < 40_000, "{young} letters differ");

    let texts = [
        "",
        " ",
        "ΑΣ ΑΣ. ΑΣΑ Σ",
        "İI ıi ẞß",
        "ﬁ Å Å",
        "e\u{301}\u{327}\u{301}",
        "각 각",
        "नमस्ते दुनिया",
        "สวัสดี",
        "👩\u{200d}👩\u{200d}👧 x\u{ad}y z\u{feff}w",
        "१२३ ٣ Ⅷ ½ ①",
    ]
    .map(str::to_owned);
    for (text, found) in texts.iter().zip(search_text(&mut db, &texts).await) {
        assert_eq!(normalised(text), found, "{}", text.escape_unicode());
    }
}

async fn search_text(db: &mut PgConnection, texts: &[String]) -> Vec<String> {
    sqlx::query_scalar(
        "select search_text(text) from unnest($1::text[]) with ordinality t (text, n) order by n",
    )
    .bind(texts)
    .fetch_all(db)
    .await
    .unwrap()
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
