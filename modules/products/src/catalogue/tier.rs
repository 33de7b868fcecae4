use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};

use super::search::Terms;

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
    /// At most a few products; an index finds them.
    pub(super) fn is_always_rare(self) -> bool {
        matches!(self, Self::Sku | Self::Name)
    }

    /// Adds the condition on `products p`, which leaves out the tiers before this one.
    pub(super) fn push_match(self, terms: &Terms, sql: &mut QueryBuilder<Postgres>) {
        let exact = Words(&terms.exact_words);
        let prefix = Words(&terms.prefix_words);
        let typo = Words(&terms.typo_words);
        match self {
            Self::Sku => {
                sql.push(" and p.sku_words = ").push_bind(&terms.text);
            }
            Self::Name => {
                sql.push(" and p.name_words = ").push_bind(&terms.text);
                sql.push(" and p.sku_words <> ").push_bind(&terms.text);
            }
            Self::TitleWords => {
                exact.are_in("p.title", sql);
                sql.push(" and p.sku_words <> ").push_bind(&terms.text);
                sql.push(" and p.name_words <> ").push_bind(&terms.text);
            }
            Self::TitlePrefix => {
                prefix.are_in("p.title", sql);
                exact.are_not_in("p.title", sql);
            }
            Self::Text => {
                prefix.are_in("p.search", sql);
                prefix.are_not_in("p.title", sql);
            }
            Self::TitleTypo => {
                typo.are_in("p.title", sql);
                prefix.are_not_in("p.search", sql);
            }
            Self::TextTypo => {
                typo.are_in("p.search", sql);
                prefix.are_not_in("p.search", sql);
                typo.are_not_in("p.title", sql);
            }
            Self::Any => typo.are_in("p.search", sql),
            Self::Guess => Words(&terms.guess_words).are_in("p.search", sql),
        }
    }
}

/// A text search, as the text of a `tsquery`.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn are_in(&self, column: &str, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" and ").push(column).push(" @@ ");
        self.push(sql);
    }

    fn are_not_in(&self, column: &str, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" and not ").push(column).push(" @@ ");
        self.push(sql);
    }

    /// A subquery is evaluated once, not for every row.
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("(select to_tsquery('simple', ").push_bind(self.0);
        sql.push("))");
    }
}
