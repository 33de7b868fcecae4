//! How checked values become the types of the settings.

use std::num::NonZeroU64;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

pub fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(SecretString::from))
}

fn scaled<'de, D: Deserializer<'de>>(deserializer: D, seconds: u64) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(|count| Duration::from_secs(count.saturating_mul(seconds)))
}

pub fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    scaled(deserializer, 1)
}

pub fn minutes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    scaled(deserializer, 60)
}

pub fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    scaled(deserializer, 24 * 3600)
}

/// 0 is written for "no limit".
pub fn or_none<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<NonZeroU64>,
    N::Error: std::fmt::Display,
{
    NonZeroU64::new(u64::deserialize(deserializer)?)
        .map(|limit| N::try_from(limit).map_err(serde::de::Error::custom))
        .transpose()
}
