use platform::{Cursor, Problem};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::Filter;
use super::product::ProductRow;
use super::tier::Tier;

/// What a list is sorted by. `relevance` without a query is `newest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Relevance,
    Newest,
    Price,
    #[serde(rename = "-price")]
    PriceDescending,
    Name,
}

/// The place of a product in the order of its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    Newest(#[serde(with = "time::serde::timestamp::microseconds")] OffsetDateTime),
    Price(i64),
    Name(String),
}

/// How a product was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Match {
    pub(crate) tier: Tier,
    /// Which words of the query were taken for mistyped, counted from 0. A page goes on with
    /// those of the page before, should the word have come into a title since.
    pub(crate) mistyped: Vec<u8>,
}

/// Where a page ended, and of which list it was one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    sort: Sort,
    list: Uuid,
    pub(crate) found: Option<Match>,
    pub(crate) key: Key,
    pub(crate) id: Uuid,
}

impl Position {
    pub(crate) fn of(
        row: &ProductRow,
        found: Option<Match>,
        sort: Sort,
        query: Option<&str>,
        filter: &Filter,
    ) -> Self {
        let key = match sort {
            Sort::Relevance | Sort::Newest => Key::Newest(row.created_at),
            Sort::Price | Sort::PriceDescending => Key::Price(row.price_minor),
            Sort::Name => Key::Name(row.name.clone()),
        };
        Self {
            sort,
            list: fingerprint(query, filter),
            found,
            key,
            id: row.id,
        }
    }

    /// 422 on `cursor` when it comes from another list than the one sorted, searched and filtered
    /// like this.
    pub(crate) fn decode(
        cursor: &Cursor,
        sort: Sort,
        query: Option<&str>,
        filter: &Filter,
    ) -> Result<Self, Problem> {
        let position: Self = cursor.decode()?;
        let same_list = position.sort == sort && position.list == fingerprint(query, filter);
        let is_sound = position.is_sound() && query.is_some() == position.found.is_some();
        match same_list && is_sound {
            true => Ok(position),
            false => Err(Problem::invalid_field("cursor", "belongs to another list")),
        }
    }

    /// Cursors are not signed, so anything may stand in one.
    fn is_sound(&self) -> bool {
        match (&self.key, self.sort) {
            // Postgres' time does not reach as far back as ours.
            (Key::Newest(at), Sort::Relevance | Sort::Newest) => at.year() >= 1970,
            (Key::Price(_), Sort::Price | Sort::PriceDescending) => true,
            (Key::Name(name), Sort::Name) => !name.contains('\0'),
            _ => false,
        }
    }
}

/// Tells one list from another without carrying along what makes it. Who may see inactive products
/// may do so in the middle of a list.
fn fingerprint(query: Option<&str>, filter: &Filter) -> Uuid {
    let Filter {
        category,
        handle,
        min_price,
        max_price,
        in_stock,
        is_active,
        inactive_too: _,
    } = filter;
    let parts = (
        query, category, handle, min_price, max_price, in_stock, is_active,
    );
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{parts:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(sort: Sort, query: Option<&str>, tier: Option<Tier>, key: Key) -> Position {
        Position {
            sort,
            list: fingerprint(query, &Filter::default()),
            found: tier.map(|tier| Match {
                tier,
                mistyped: vec![0],
            }),
            key,
            id: Uuid::nil(),
        }
    }

    /// The cursor of a page that ended at `position`.
    fn cursor(position: &Position) -> Cursor {
        let limit = platform::Limit::try_from(1).unwrap();
        let page = platform::Page::from_rows(vec![(), ()], limit, |()| position.clone());
        serde_json::from_value(page.next_cursor.unwrap().into()).unwrap()
    }

    #[test]
    fn a_cursor_leads_back_to_its_own_list_only() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_000).unwrap();
        let place = position(
            Sort::Relevance,
            Some("mug"),
            Some(Tier::Text),
            Key::Newest(at),
        );
        let cursor = cursor(&place);
        let decode = |sort, query, filter: &Filter| Position::decode(&cursor, sort, query, filter);
        let all = Filter::default();
        assert_eq!(decode(Sort::Relevance, Some("mug"), &all).unwrap(), place);
        for (sort, query) in [
            (Sort::Relevance, Some("rug")),
            (Sort::Relevance, None),
            (Sort::Newest, Some("mug")),
        ] {
            assert!(decode(sort, query, &all).is_err(), "{sort:?} {query:?}");
        }
        let some = || Some("mug".to_owned());
        for filter in [
            Filter {
                category: some(),
                ..Filter::default()
            },
            Filter {
                handle: some(),
                ..Filter::default()
            },
            Filter {
                min_price: Some(0),
                ..Filter::default()
            },
            Filter {
                max_price: Some(0),
                ..Filter::default()
            },
            Filter {
                in_stock: Some(true),
                ..Filter::default()
            },
            Filter {
                is_active: Some(true),
                ..Filter::default()
            },
        ] {
            assert!(
                decode(Sort::Relevance, Some("mug"), &filter).is_err(),
                "{filter:?}"
            );
        }
    }

    #[test]
    fn a_forged_cursor_never_reaches_the_database() {
        let name = || Key::Name("x".into());
        let long_ago = Key::Newest(time::macros::datetime!(-5000-01-01 0:00 UTC));
        let all = Filter::default();
        for (sort, query, tier, key) in [
            (Sort::Price, None, None, name()),
            (Sort::Name, None, None, Key::Name("\0".into())),
            (Sort::Name, None, Some(Tier::Any), name()),
            (Sort::Name, Some("mug"), None, name()),
            (Sort::Newest, None, None, long_ago),
        ] {
            let place = position(sort, query, tier, key);
            let decoded = Position::decode(&cursor(&place), sort, query, &all);
            assert!(decoded.is_err(), "{place:?}");
        }
    }
}
