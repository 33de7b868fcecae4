use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A merge patch removes what is `null`, and these cannot be removed (RFC 7396).
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(D::Error::custom("must not be null")),
    }
}
