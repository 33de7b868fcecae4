//! Full-text search that forgives a typing error.
//!
//! A word that begins no word of any title is taken for mistyped, and those a typing error away are
//! searched beside it. All are looked up in an index, whatever the size of the catalogue.

use sqlx::PgPool;

use crate::words;

/// The words of a query, as searches of growing width.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The whole query as a SKU and as a name.
    pub(super) sku: String,
    pub(super) name: String,
    /// Each word as it is.
    pub(super) exact: Search,
    /// The last word may go on.
    pub(super) prefix: Search,
    /// Unknown words, or what they may have meant; `prefix` when all words are known.
    pub(super) typo: Search,
    /// Any word, or what it may have meant: for when nothing else is found.
    pub(super) guess: Search,
    /// Which words are taken for mistyped, counted from 0.
    pub(super) mistyped: Vec<u8>,
}

/// Texts of a Postgres `tsquery`, whose lexemes are those of [`words::document`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Search {
    /// All words stand in what names the product.
    pub(super) title: String,
    /// They stand there or in its description.
    pub(super) any: String,
}

struct Word {
    word: String,
    /// Some word of a title begins with it.
    known: bool,
    /// Words a typing error away.
    near: Vec<String>,
}

/// `None` when there is no letter or digit to search for. `mistyped` is what an earlier page of the
/// same list found.
pub(crate) async fn terms(
    pool: &PgPool,
    query: &str,
    mistyped: Option<&[u8]>,
) -> Result<Option<Terms>, sqlx::Error> {
    let normalised = words::normalised(query);
    let typed: Vec<&str> = normalised.split(' ').collect();
    let mut words = sqlx::query!(
        r#"select word as "word!",
            exists (
                select from search_words s
                where s.word >= q.word and s.word < q.word || chr(1114111)
            ) as "known!",
            array(
                select distinct s.word
                from search_variants(q.word) typed join search_words s on s.variant = typed
            ) as "near!"
        from unnest($1::text[]) with ordinality q (word, nth)
        where word <> ''
        order by nth"#,
        &typed as &[&str]
    )
    .map(|row| Word {
        near: row
            .near
            .into_iter()
            .filter(|near| may_be_meant(&row.word, near))
            .collect(),
        word: row.word,
        known: row.known,
    })
    .fetch_all(pool)
    .await?;
    if let Some(mistyped) = mistyped {
        for (nth, word) in (0..=u8::MAX).zip(&mut words) {
            word.known = !mistyped.contains(&nth);
        }
    }
    Ok(Terms::new(&words))
}

impl Terms {
    fn new(words: &[Word]) -> Option<Self> {
        let (last, _) = words.split_last()?;
        let end = |word: &Word| match std::ptr::eq(word, last) {
            true => ":*",
            false => "",
        };
        let whole: Vec<&str> = words.iter().map(|word| word.word.as_str()).collect();
        let whole = whole.join("_");
        let whole = words::head(&whole, words::WHOLE_CHARS);
        Some(Self {
            sku: format!("'#{whole}'"),
            name: format!("'^{whole}'"),
            exact: Search::of(words, |word| word.is(word.alone(), "")),
            prefix: Search::of(words, |word| word.is(word.alone(), end(word))),
            typo: Search::of(words, |word| match word.known {
                true => word.is(word.alone(), end(word)),
                false => word.is(word.or_near(), end(word)),
            }),
            guess: Search::of(words, |word| word.is(word.or_near(), end(word))),
            mistyped: (0..=u8::MAX)
                .zip(words)
                .filter(|(_, word)| !word.known)
                .map(|(nth, _)| nth)
                .collect(),
        })
    }

    pub(super) fn has_typos(&self) -> bool {
        self.typo != self.prefix
    }

    pub(super) fn has_guesses(&self) -> bool {
        self.guess != self.typo
    }
}

impl Search {
    fn of(words: &[Word], term: impl Fn(&Word) -> Self) -> Self {
        let terms: Vec<Self> = words.iter().map(term).collect();
        let all = |of: fn(&Self) -> &str| terms.iter().map(of).collect::<Vec<_>>().join(" & ");
        Self {
            title: all(|term| &term.title),
            any: all(|term| &term.any),
        }
    }
}

impl Word {
    fn alone(&self) -> impl Iterator<Item = &str> + Clone {
        std::iter::once(self.word.as_str())
    }

    fn or_near(&self) -> impl Iterator<Item = &str> + Clone {
        self.alone().chain(self.near.iter().map(String::as_str))
    }

    /// Words are letters and digits only; quotes keep the parser from seeing more in them.
    fn is<'a>(&self, words: impl Iterator<Item = &'a str> + Clone, end: &str) -> Search {
        let cut = words.map(|word| words::head(word, words::WORD_CHARS));
        let title = cut.clone().map(|word| format!("'={word}'{end}"));
        let text = cut.map(|word| format!("'{word}'{end}"));
        let any_of = |terms: Vec<String>| format!("({})", terms.join(" | "));
        Search {
            title: any_of(title.clone().collect()),
            any: any_of(title.chain(text).collect()),
        }
    }
}

/// Short words have too many neighbours, and a number one digit off is another number.
fn may_be_meant(typed: &str, near: &str) -> bool {
    typed.chars().count() >= 4
        && !typed.chars().any(char::is_numeric)
        && typed != near
        && one_edit_apart(typed, near)
}

/// Whether one letter was left out, added, replaced or swapped with its neighbour
/// (a Damerau-Levenshtein distance of one).
fn one_edit_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same_start..], &b[same_start..]);
    let same_end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    match (&a[..a.len() - same_end], &b[..b.len() - same_end]) {
        ([_], [_]) | ([], [_]) | ([_], []) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: &str, known: bool, near: &[&str]) -> Word {
        Word {
            word: word.to_owned(),
            known,
            near: near.iter().map(|&near| near.to_owned()).collect(),
        }
    }

    #[test]
    fn one_edit_is_a_letter_left_out_added_replaced_or_swapped() {
        for (a, b) in [
            ("bracelt", "bracelet"),
            ("vanilla", "vanila"),
            ("sofaa", "sofas"),
            ("candel", "candle"),
            ("chiar", "chair"),
            ("lampp", "lamp"),
            ("élan", "elan"),
        ] {
            assert!(one_edit_apart(a, b), "{a} {b}");
            assert!(one_edit_apart(b, a), "{b} {a}");
        }
        for (a, b) in [
            ("chair", "chair"),
            ("stone", "tones"),
            ("abc", "cba"),
            ("", "ab"),
        ] {
            assert!(!one_edit_apart(a, b), "{a} {b}");
        }
    }

    #[test]
    fn short_words_and_numbers_are_meant_as_typed() {
        assert!(may_be_meant("mugg", "mug"));
        assert!(!may_be_meant("mgu", "mug"));
        assert!(!may_be_meant("ab1234", "ab123"));
    }

    impl Terms {
        pub(in crate::catalogue) fn with_typos_and_guesses() -> Self {
            let words = [
                word("tale", true, &["table"]),
                word("lammp", false, &["lamp"]),
            ];
            Self::new(&words).unwrap()
        }
    }

    #[test]
    fn only_unknown_words_are_widened_until_nothing_is_found() {
        let terms = Terms::with_typos_and_guesses();
        assert_eq!(terms.sku, "'#tale_lammp'");
        assert_eq!(terms.name, "'^tale_lammp'");
        assert_eq!(terms.exact.title, "('=tale') & ('=lammp')");
        assert_eq!(terms.prefix.title, "('=tale') & ('=lammp':*)");
        assert_eq!(
            terms.prefix.any,
            "('=tale' | 'tale') & ('=lammp':* | 'lammp':*)"
        );
        assert_eq!(terms.typo.title, "('=tale') & ('=lammp':* | '=lamp':*)");
        assert_eq!(
            terms.guess.title,
            "('=tale' | '=table') & ('=lammp':* | '=lamp':*)"
        );
        assert_eq!(terms.mistyped, [1]);
        assert!(terms.has_typos() && terms.has_guesses());
        assert_eq!(Terms::new(&[]), None);
    }
}
