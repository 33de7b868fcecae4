use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};

use super::search::{Condition, Terms};

/// How well a product matches a query, best first. A list by relevance has all products of one
/// tier, newest first, before those of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tier {
    Sku,
    Name,
    TitleWords,
    TitlePrefix,
    Text,
    TitleTypo,
    TextTypo,
    /// All of the above, for lists that are sorted by something else.
    Any,
    /// Every word may be mistyped; only when there is nothing else.
    Guess,
}

impl Tier {
    /// Adds the condition on `products p`, which leaves out the tiers before this one, for rows that
    /// are looked at one by one.
    pub(super) fn push_match(self, terms: &Terms, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" and p.search @@ ").push_bind(self.query(terms));
        sql.push("::tsquery");
    }

    /// The same for an index. What narrows little is left to the rows: `is true` hides it.
    pub(super) fn push_indexed(self, terms: &Terms, sql: &mut QueryBuilder<Postgres>) {
        let Some(index) = self.condition(terms).and_then(|all| all.index.clone()) else {
            return self.push_match(terms, sql);
        };
        sql.push(" and p.search @@ ").push_bind(index);
        sql.push("::tsquery and (p.search @@ ");
        sql.push_bind(self.query(terms)).push("::tsquery) is true");
    }

    /// About how many products have the words.
    pub(super) fn products(self, terms: &Terms) -> i64 {
        self.condition(terms).map_or(1, |all| all.products)
    }

    /// How many may have them.
    pub(super) fn at_most(self, terms: &Terms) -> i64 {
        self.condition(terms).map_or(1, |all| all.at_most)
    }

    /// That on words; a whole SKU or name is a lexeme of its own.
    fn condition(self, terms: &Terms) -> Option<&Condition> {
        match self {
            Self::Sku | Self::Name => None,
            Self::TitleWords => Some(&terms.exact.title),
            Self::TitlePrefix => Some(&terms.prefix.title),
            Self::Text => Some(&terms.prefix.any),
            Self::TitleTypo => Some(&terms.typo.title),
            Self::TextTypo | Self::Any => Some(&terms.typo.any),
            Self::Guess => Some(&terms.guess.any),
        }
    }

    /// The text of a `tsquery`.
    fn query(self, terms: &Terms) -> String {
        let Terms {
            sku,
            name,
            exact,
            prefix,
            typo,
            ..
        } = terms;
        let (words, without) = match self {
            Self::Sku => (sku, Vec::new()),
            Self::Name => (name, vec![sku]),
            Self::TitleWords => (&exact.title.query, vec![sku, name]),
            Self::TitlePrefix => (&prefix.title.query, vec![&exact.title.query]),
            Self::Text => (&prefix.any.query, vec![&prefix.title.query]),
            Self::TitleTypo => (&typo.title.query, vec![&prefix.any.query]),
            Self::TextTypo => (&typo.any.query, vec![&prefix.any.query, &typo.title.query]),
            Self::Any => (&typo.any.query, Vec::new()),
            Self::Guess => (&terms.guess.any.query, Vec::new()),
        };
        let without = without.iter().map(|without| format!(" & !({without})"));
        std::iter::once(words.clone()).chain(without).collect()
    }
}
