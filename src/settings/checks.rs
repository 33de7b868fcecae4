//! Checks of single texts: each answers the text in its normal form, or nothing.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use iso_currency::Currency;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

pub fn path(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `host:port`, where `localhost` is the only host that is a name.
pub fn address(text: &str) -> Option<String> {
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    SocketAddr::from_str(&text)
        .ok()
        .map(|found| found.to_string())
}

pub fn network(text: &str) -> Option<String> {
    Network::from_str(text).ok().map(|_| text.to_owned())
}

/// `scheme://host[:port]` exactly as a browser sends it, or `*`.
pub fn origin(text: &str) -> Option<String> {
    if text == "*" {
        return Some(text.to_owned());
    }
    let url = Url::parse(text).ok()?;
    let plain = ["http", "https"].contains(&url.scheme())
        && url.origin().ascii_serialization() == text.to_ascii_lowercase();
    plain.then(|| url.origin().ascii_serialization())
}

pub fn currency(text: &str) -> Option<String> {
    Currency::from_code(text).map(|currency| currency.code().to_owned())
}

/// What `EnvFilter` takes, except that a bare word must be a level: a misspelt `inof` would
/// otherwise be a target, and nothing would be logged.
pub fn log_filter(text: &str) -> Option<String> {
    let known = |word: &str| !word.is_empty() && LevelFilter::from_str(word).is_ok();
    let bare_words_are_levels = text
        .split(',')
        .all(|directive| directive.contains(['=', '[']) || known(directive.trim()));
    let fits = bare_words_are_levels && EnvFilter::try_new(text).is_ok();
    fits.then(|| text.to_owned())
}

/// A number of bytes with a unit, such as `10 MiB`.
pub fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 4] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("B", 1),
    ];
    let (digits, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), unit)))?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(*unit)
}

/// One address or a network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// An IPv4 address that arrived in IPv6 clothes counts as the IPv4 address.
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not an address or a network such as 10.0.0.0/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NotANetwork)?,
            None => longest,
        };
        if prefix > longest {
            return Err(NotANetwork);
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:8000").as_deref(), Some("127.0.0.1:8000"));
        assert_eq!(address("[::1]:80").as_deref(), Some("[::1]:80"));
        for wrong in ["8000", "127.0.0.1", "example.org:80", "127.0.0.1:99999", ""] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn networks() {
        let inside = |network: &str, ip: &str| {
            network
                .parse::<Network>()
                .unwrap()
                .contains(ip.parse().unwrap())
        };
        assert!(inside("10.0.0.0/8", "10.9.8.7"));
        assert!(inside("10.0.0.0/8", "::ffff:10.9.8.7"));
        assert!(!inside("10.0.0.0/8", "11.0.0.1"));
        assert!(inside("192.0.2.1", "192.0.2.1"));
        assert!(!inside("192.0.2.1", "192.0.2.2"));
        assert!(inside("0.0.0.0/0", "203.0.113.9"));
        assert!(inside("fd00::/8", "fd12::1"));
        assert!(!inside("::/0", "192.0.2.1"));
        for wrong in ["10.0.0.0/33", "::/129", "proxy", "10.0.0.0/", ""] {
            assert_eq!(network(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn origins_and_sizes_and_filters() {
        assert_eq!(
            origin("https://Shop.example").as_deref(),
            Some("https://shop.example")
        );
        assert_eq!(
            origin("http://localhost:3000").as_deref(),
            Some("http://localhost:3000")
        );
        for wrong in [
            "shop.example",
            "https://shop.example/",
            "ftp://shop.example",
            "",
        ] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
        assert_eq!(bytes("10 MiB"), Some(10 << 20));
        assert_eq!(bytes("7B"), Some(7));
        for wrong in ["MiB", "1MB", "-1KiB", "1.5GiB", "99999999999999GiB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        assert!(log_filter("info,sqlx=warn").is_some());
        for wrong in ["inof", "info,sqlx=loud", "", "info,,"] {
            assert_eq!(log_filter(wrong), None, "{wrong}");
        }
        assert_eq!(currency("EUR").as_deref(), Some("EUR"));
        assert_eq!(currency("eur"), None);
    }
}
