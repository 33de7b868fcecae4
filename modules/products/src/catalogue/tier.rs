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
    /// Adds the condition on `products p`, which leaves out the tiers before this one.
    pub(super) fn push_match(self, terms: &Terms, sql: &mut QueryBuilder<Postgres>) {
        // A subquery is evaluated once, not for every row.
        sql.push(" and p.search @@ (select ")
            .push_bind(self.words(terms));
        sql.push("::tsquery)");
    }

    /// The text of a `tsquery`.
    pub(super) fn words(self, terms: &Terms) -> String {
        let Terms {
            sku,
            name,
            exact,
            prefix,
            typo,
            guess,
            ..
        } = terms;
        match self {
            Self::Sku => sku.clone(),
            Self::Name => format!("{name} & !{sku}"),
            Self::TitleWords => format!("{} & !{sku} & !{name}", exact.title),
            Self::TitlePrefix => format!("{} & !({})", prefix.title, exact.title),
            Self::Text => format!("{} & !({})", prefix.any, prefix.title),
            Self::TitleTypo => format!("{} & !({})", typo.title, prefix.any),
            Self::TextTypo => {
                format!("{} & !({}) & !({})", typo.any, prefix.any, typo.title)
            }
            Self::Any => typo.any.clone(),
            Self::Guess => guess.any.clone(),
        }
    }
}
