//! Times as clients see them: RFC 3339 in UTC, always to the microsecond, so that they sort as they
//! are written.

use serde::{Serialize, Serializer, ser};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

pub use time::serde::rfc3339::deserialize;

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    let text = at.to_offset(UtcOffset::UTC).format(FORMAT);
    text.map_err(ser::Error::custom)?.serialize(serializer)
}

/// Of a time that may not have come.
pub mod option {
    use serde::Serializer;
    use time::OffsetDateTime;

    pub use time::serde::rfc3339::option::deserialize;

    pub fn serialize<S: Serializer>(
        at: &Option<OffsetDateTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use time::macros::datetime;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(with = "super")]
        at: OffsetDateTime,
        #[serde(with = "super::option")]
        until: Option<OffsetDateTime>,
    }

    #[test]
    fn every_time_has_as_many_digits() {
        for (at, text) in [
            (
                datetime!(2026-11-22 10:00:00 UTC),
                "2026-11-22T10:00:00.000000Z",
            ),
            (
                datetime!(2026-11-22 10:00:00.12 +2),
                "2026-11-22T08:00:00.120000Z",
            ),
        ] {
            let until = Some(at);
            let json = serde_json::to_value(Times { at, until }).unwrap();
            assert_eq!(json, serde_json::json!({ "at": text, "until": text }));
            let read: Times = serde_json::from_value(json).unwrap();
            assert_eq!(read, Times { at, until });
        }
    }
}
