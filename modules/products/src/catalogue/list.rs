//! Lists of products: filtered, sorted, searched, one page at a time.

use platform::Pool;
use uuid::Uuid;

use super::categories;
use super::cursor::{Match, Position, Sort};
use super::product::ProductRow;
use super::search::{self, Terms};
use super::slice::{self, Slice};
use super::tier::Tier;

/// Which products a list has; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Id or slug; its descendants count too.
    pub(crate) category: Option<String>,
    pub(crate) handle: Option<String>,
    /// Inclusive, in minor units.
    pub(crate) min_price: Option<i64>,
    pub(crate) max_price: Option<i64>,
    pub(crate) in_stock: Option<bool>,
    /// Matters only where inactive ones are shown.
    pub(crate) is_active: Option<bool>,
    pub(crate) inactive_too: bool,
}

impl Filter {
    /// Inactive products are asked for by somebody who is shown none.
    pub(crate) fn is_empty(&self) -> bool {
        !self.inactive_too && self.is_active == Some(false)
    }

    /// The category that is asked for and those below it; `None` when any will do.
    pub(super) async fn categories(&self, pool: &Pool) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
        match &self.category {
            Some(category) => categories::branch(pool, category).await.map(Some),
            None => Ok(None),
        }
    }
}

/// A row, and how it was found when there is a query.
pub(crate) struct Found {
    pub(crate) row: ProductRow,
    pub(crate) found: Option<Match>,
}

/// The first `rows` products after a place.
pub(crate) async fn browse(
    pool: &Pool,
    filter: &Filter,
    sort: Sort,
    after: Option<&Position>,
    rows: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let categories = filter.categories(pool).await?;
    let slice = Slice {
        filter,
        categories: categories.as_deref(),
        sort,
        matching: None,
        after: after.map(|place| (&place.key, place.id)),
        rows,
    };
    let rows = match slice.narrows() && !slice.is_by_category() {
        true => slice.fetch(&mut *slice::begin(pool).await?).await?,
        false => slice.fetch(&mut *pool.acquire().await?).await?,
    };
    let plain = |row| Found { row, found: None };
    Ok(rows.into_iter().map(plain).collect())
}

/// As [`browse`], of those that match `query`.
pub(crate) async fn find(
    pool: &Pool,
    query: &str,
    filter: &Filter,
    sort: Sort,
    after: Option<&Position>,
    rows: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let last = after.and_then(|place| place.found.as_ref());
    let mistyped = last.map(|last| last.mistyped.as_slice());
    let categories = filter.categories(pool).await?;
    let mut tx = slice::begin(pool).await?;
    let Some(terms) = search::terms(&mut tx, query, mistyped).await? else {
        return Ok(Vec::new());
    };
    let part = |tier, after, rows| Slice {
        filter,
        categories: categories.as_deref(),
        sort,
        matching: Some((tier, &terms)),
        after,
        rows,
    };
    let mut page: Vec<Found> = Vec::new();
    let mut wanted = rows;
    for tier in tiers(sort, &terms, last.map(|last| last.tier)) {
        if tier == Tier::Guess && !page.is_empty() {
            break;
        }
        let place = after.filter(|_| last.is_some_and(|last| last.tier == tier));
        let slice = part(tier, place.map(|place| (&place.key, place.id)), wanted);
        let rows = slice.fetch(&mut tx).await?;
        wanted -= i64::try_from(rows.len()).unwrap_or(wanted);
        page.extend(rows.into_iter().map(|row| Found {
            row,
            found: Some(Match {
                tier,
                mistyped: terms.mistyped.clone(),
            }),
        }));
        if wanted <= 0 {
            break;
        }
    }
    tx.commit().await?;
    Ok(page)
}

/// Where the rest of a list is to be found, in order.
fn tiers(sort: Sort, terms: &Terms, last: Option<Tier>) -> Vec<Tier> {
    use Tier::{Any, Guess, Name, Sku, Text, TextTypo, TitlePrefix, TitleTypo, TitleWords};
    let mut tiers = match sort {
        Sort::Relevance if terms.has_typos() => {
            vec![
                Sku,
                Name,
                TitleWords,
                TitlePrefix,
                Text,
                TitleTypo,
                TextTypo,
            ]
        }
        Sort::Relevance => vec![Sku, Name, TitleWords, TitlePrefix, Text],
        _ => vec![Any],
    };
    if terms.has_guesses() {
        tiers.push(Guess);
    }
    let Some(last) = last else { return tiers };
    let rest = tiers.into_iter().skip_while(|tier| *tier != last);
    // Guesses are a list of their own: they do not follow what was found.
    rest.filter(|tier| *tier != Guess || last == Guess)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_in_the_tier_where_the_last_one_ended() {
        let terms = Terms::with_typos_and_guesses();
        let rest = |sort, tier| tiers(sort, &terms, tier);
        assert_eq!(rest(Sort::Price, None), [Tier::Any, Tier::Guess]);
        assert_eq!(rest(Sort::Price, Some(Tier::Any)), [Tier::Any]);
        assert_eq!(rest(Sort::Price, Some(Tier::Guess)), [Tier::Guess]);
        assert_eq!(
            rest(Sort::Relevance, Some(Tier::Text)),
            [Tier::Text, Tier::TitleTypo, Tier::TextTypo]
        );
    }
}
