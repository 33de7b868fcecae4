//! Keyset pagination: a page is found by the sort key of the row before it, at the same cost at
//! any depth.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with [`Limit::rows_to_fetch`]; `key` tells the
    /// sort key of the last row shown.
    pub fn from_rows<K: Serialize>(
        mut rows: Vec<T>,
        limit: Limit,
        key: impl FnOnce(&T) -> K,
    ) -> Self {
        let more = rows.len() > usize::from(limit.0);
        rows.truncate(usize::from(limit.0));
        let next_cursor = match rows.last() {
            Some(last) if more => Some(Cursor::encode(&key(last))),
            _ => None,
        };
        Self {
            items: rows,
            next_cursor,
        }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

/// How many items a page has: 1 to 100, 20 unless told.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u16")]
pub struct Limit(u16);

impl Limit {
    /// One more than is shown, to learn whether there is a next page.
    pub fn rows_to_fetch(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u16> for Limit {
    type Error = &'static str;

    fn try_from(limit: u16) -> Result<Self, Self::Error> {
        match limit {
            1..=100 => Ok(Self(limit)),
            _ => Err("must be between 1 and 100"),
        }
    }
}

/// The sort key of a row, opaque to clients.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    fn encode<K: Serialize>(key: &K) -> String {
        // A key is a tuple of strings and numbers, which always has a JSON form.
        let json = serde_json::to_vec(key).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }

    /// 422 on `cursor` when it is none of ours.
    pub fn decode<K: DeserializeOwned>(&self) -> Result<K, Problem> {
        let key = URL_SAFE_NO_PAD
            .decode(&self.0)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        key.ok_or_else(|| {
            Problem::invalid_field("cursor", "is not a cursor that this list gave out")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = Page::from_rows(vec![1, 2], Limit(2), |n| *n);
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], None));
    }

    #[test]
    fn a_cursor_carries_the_key_of_the_last_row_shown() {
        let page = Page::from_rows(vec![1, 2, 3], Limit(2), |n| (*n, "x"));
        assert_eq!(page.items, [1, 2]);
        let cursor = Cursor(page.next_cursor.unwrap());
        assert_eq!(cursor.decode::<(i32, String)>().unwrap(), (2, "x".into()));
        assert!(cursor.decode::<(String, i32)>().is_err());
        assert!(Cursor("!".into()).decode::<i32>().is_err());
    }
}
