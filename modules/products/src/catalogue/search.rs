//! Full-text search that forgives a typing error.
//!
//! A word that begins no word of any title is taken for mistyped, and those a typing error away are
//! searched beside it. All are looked up in an index, whatever the size of the catalogue.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::frequency::{ALL, Frequencies, Share};
use crate::words;

/// As many rows are soon fetched, wherever they are.
pub(super) const SOON_FETCHED: i64 = 10_000;

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
    /// How many products there are, whatever their words.
    pub(super) all: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Search {
    /// All words stand in what names the product.
    pub(super) title: Condition,
    /// They stand there or in its description.
    pub(super) any: Condition,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// A Postgres `tsquery`, whose lexemes are those of [`words::document`].
    pub(super) query: String,
    /// All words but the last, when that leaves few, and fewer than the last. For that one, which may
    /// go on, the index would have to collect all products that have a word which begins with it.
    pub(super) index: Option<String>,
    /// About how many products match if words meet by chance.
    pub(super) products: i64,
    /// About how many do if they always go together.
    pub(super) at_most: i64,
}

/// What stands for a word in a `tsquery`.
struct Term {
    query: String,
    share: Share,
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
    db: &mut PgConnection,
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
    .fetch_all(&mut *db)
    .await?;
    let frequencies = Frequencies::read(db).await?;
    if let Some(mistyped) = mistyped {
        for (nth, word) in (0..=u8::MAX).zip(&mut words) {
            word.known = !mistyped.contains(&nth);
        }
    }
    Ok(Terms::new(&words, &frequencies))
}

impl Terms {
    fn new(words: &[Word], frequencies: &Frequencies) -> Option<Self> {
        let (last, _) = words.split_last()?;
        let is_last = |word: &Word| std::ptr::eq(word, last);
        let whole: Vec<&str> = words.iter().map(|word| word.word.as_str()).collect();
        let whole = whole.join("_");
        let whole = words::head(&whole, words::WHOLE_CHARS);
        let search = |nearby: fn(&Word) -> bool, goes_on: bool| {
            let mut seen = HashSet::new();
            let different = words.iter().rev().filter(|word| seen.insert(&word.word));
            let different: Vec<&Word> = different.collect();
            let terms = different.into_iter().rev().map(|word| {
                let near = if nearby(word) { &*word.near } else { &[] };
                word.terms(near, goes_on && is_last(word), frequencies)
            });
            let (title, any): (Vec<_>, Vec<_>) = terms.unzip();
            Search {
                title: Condition::all(&title, frequencies),
                any: Condition::all(&any, frequencies),
            }
        };
        Some(Self {
            sku: format!("'#{whole}'"),
            name: format!("'^{whole}'"),
            exact: search(|_| false, false),
            prefix: search(|_| false, true),
            typo: search(|word| !word.known, true),
            guess: search(|_| true, true),
            mistyped: (0..=u8::MAX)
                .zip(words)
                .filter(|(_, word)| !word.known)
                .map(|(nth, _)| nth)
                .collect(),
            all: frequencies.products,
        })
    }

    pub(super) fn has_typos(&self) -> bool {
        self.typo != self.prefix
    }

    pub(super) fn has_guesses(&self) -> bool {
        self.guess != self.typo
    }
}

impl Condition {
    fn all(terms: &[Term], frequencies: &Frequencies) -> Self {
        let query = |terms: &[Term]| {
            let queries: Vec<&str> = terms.iter().map(|term| term.query.as_str()).collect();
            queries.join(" & ")
        };
        let products = |terms: &[Term]| {
            let shares = terms.iter().map(|term| term.share);
            frequencies.products(shares.fold(ALL, |all, share| all * share / ALL))
        };
        let rarest = terms.iter().map(|term| term.share).min();
        let (others, last) = terms.split_at(terms.len().saturating_sub(1));
        let few = SOON_FETCHED.min(products(last));
        let narrow = !others.is_empty() && products(others) <= few;
        Self {
            query: query(terms),
            index: narrow.then(|| query(others)),
            products: products(terms),
            at_most: frequencies.products(rarest.unwrap_or(ALL)),
        }
    }
}

impl Word {
    /// The word, or one `near` it, in a title and anywhere.
    fn terms(&self, near: &[String], goes_on: bool, frequencies: &Frequencies) -> (Term, Term) {
        let words = std::iter::once(&self.word).chain(near);
        let words: Vec<&str> = words
            .map(|word| words::head(word, words::WORD_CHARS))
            .collect();
        let titles: Vec<String> = words.iter().map(|word| format!("={word}")).collect();
        let title: Vec<&str> = titles.iter().map(String::as_str).collect();
        let any = [&*title, &*words].concat();
        let term = |lexemes: &[&str]| Term::any(lexemes, goes_on, frequencies);
        (term(&title), term(&any))
    }
}

impl Term {
    /// Lexemes are letters and digits only, and a sign; quotes keep the parser from seeing more in
    /// them.
    fn any(lexemes: &[&str], goes_on: bool, frequencies: &Frequencies) -> Self {
        let end = if goes_on { ":*" } else { "" };
        let queries: Vec<String> = lexemes
            .iter()
            .map(|lexeme| format!("'{lexeme}'{end}"))
            .collect();
        let shares = lexemes
            .iter()
            .map(|lexeme| frequencies.share(lexeme, goes_on));
        Self {
            query: format!("({})", queries.join(" | ")),
            share: shares.sum::<Share>().min(ALL),
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
            Self::new(&words, &Frequencies::default()).unwrap()
        }
    }

    #[test]
    fn only_unknown_words_are_widened_until_nothing_is_found() {
        let terms = Terms::with_typos_and_guesses();
        assert_eq!(terms.sku, "'#tale_lammp'");
        assert_eq!(terms.name, "'^tale_lammp'");
        assert_eq!(terms.exact.title.query, "('=tale') & ('=lammp')");
        assert_eq!(terms.prefix.title.query, "('=tale') & ('=lammp':*)");
        assert_eq!(
            terms.prefix.any.query,
            "('=tale' | 'tale') & ('=lammp':* | 'lammp':*)"
        );
        let index = terms.prefix.any.index.as_deref();
        assert_eq!(index, Some("('=tale' | 'tale')"));
        assert_eq!(
            terms.typo.title.query,
            "('=tale') & ('=lammp':* | '=lamp':*)"
        );
        assert_eq!(
            terms.guess.title.query,
            "('=tale' | '=table') & ('=lammp':* | '=lamp':*)"
        );
        assert_eq!(terms.mistyped, [1]);
        assert!(terms.has_typos() && terms.has_guesses());
        assert_eq!(Terms::new(&[], &Frequencies::default()), None);
    }
}
