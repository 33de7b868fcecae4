//! What a setting may hold, and how that is read from TOML or text.

use url::Url;

use super::value::{Given, Value};
use super::{checks, mask};

/// Checks one text and answers it in its normal form.
type Check = fn(&str) -> Option<String>;

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    OneOf(&'static [&'static str]),
    Text {
        check: Check,
        allowed: &'static str,
    },
    List {
        check: Check,
        allowed: &'static str,
    },
    /// `{kid, file}` tables, kept as `kid=file`.
    Keys,
    Url(&'static [&'static str]),
    Secret,
    Flag,
    Integer {
        min: u64,
        max: u64,
    },
    /// A size in bytes, or text with a binary unit.
    Bytes,
    /// A share of a whole.
    Ratio,
}

/// Largest size a limit can be set to: 1 PiB.
const MAX_BYTES: u64 = 1 << 50;

impl Kind {
    /// Secrets, and URLs since they may hold a password, can be named by a file.
    pub fn may_come_from_file(self) -> bool {
        matches!(self, Kind::Secret | Kind::Url(_))
    }

    /// The second half of an error message: what could stand there.
    pub fn allowed(self) -> String {
        match self {
            Kind::OneOf(names) => names.join(", "),
            Kind::Text { allowed, .. } => allowed.to_owned(),
            Kind::List { allowed, .. } => format!("a list of {allowed}"),
            Kind::Keys => "a list of {kid, file} tables, or kid=file,kid=file as text".to_owned(),
            Kind::Url(schemes) => format!("a URL with the scheme {}", schemes.join(", ")),
            Kind::Secret => "text".to_owned(),
            Kind::Flag => "true, false".to_owned(),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Bytes => format!(
                "bytes from 0 to {MAX_BYTES}, or text such as \"512KiB\", \"1MiB\", \"1GiB\""
            ),
            Kind::Ratio => "a number from 0 to 1, such as 0.1".to_owned(),
        }
    }

    /// The value, or how an error message shows what was given instead.
    pub fn read(self, given: &Given) -> Result<Value, String> {
        self.understand(given).ok_or_else(|| self.shown(given))
    }

    fn understand(self, given: &Given) -> Option<Value> {
        let text = given.text();
        match self {
            Kind::OneOf(names) => text
                .filter(|text| names.contains(text))
                .map(|text| Value::Text(text.to_owned())),
            Kind::Text { check, .. } => text.and_then(check).map(Value::Text),
            Kind::List { check, .. } => list(given, |item| item.text().and_then(check)),
            Kind::Keys => list(given, key),
            Kind::Url(schemes) => text
                .filter(|text| Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme())))
                .map(|text| Value::Url(text.into())),
            Kind::Secret => text
                .filter(|text| !text.is_empty())
                .map(|text| Value::Secret(text.into())),
            Kind::Flag => match given {
                Given::Flag(flag) => Some(Value::Flag(*flag)),
                Given::Text(text) => text.parse().ok().map(Value::Flag),
                _ => None,
            },
            Kind::Integer { min, max } => integer(given)
                .filter(|number| (min..=max).contains(number))
                .map(Value::Integer),
            Kind::Bytes => integer(given)
                .or_else(|| text.and_then(checks::bytes))
                .filter(|number| *number <= MAX_BYTES)
                .map(Value::Integer),
            Kind::Ratio => fraction(given)
                .filter(|number| (0.0..=1.0).contains(number))
                .map(Value::Ratio),
        }
    }

    fn shown(self, given: &Given) -> String {
        match (self, given.text()) {
            (Kind::Url(_), Some(url)) if Url::parse(url).is_ok() => format!("{:?}", mask::url(url)),
            (Kind::Url(_) | Kind::Secret, Some("")) => "\"\"".to_owned(),
            (Kind::Url(_) | Kind::Secret, Some(_)) => "this text".to_owned(),
            _ => given.shown(),
        }
    }
}

/// Digits only: the signs and spaces that `parse` lets through are slips of the hand here.
fn integer(given: &Given) -> Option<u64> {
    match given {
        Given::Integer(number) => u64::try_from(*number).ok(),
        Given::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// As above: digits, and a point among them.
fn fraction(given: &Given) -> Option<f64> {
    match given {
        Given::Integer(0) => Some(0.0),
        Given::Integer(1) => Some(1.0),
        Given::Fraction(number) => Some(*number),
        Given::Text(text) => (text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.'))
        .then(|| text.parse().ok())?,
        _ => None,
    }
}

fn list(given: &Given, item: impl Fn(&Given) -> Option<String>) -> Option<Value> {
    let items: Option<Vec<String>> = match given {
        Given::List(items) => items.iter().map(item).collect(),
        Given::Text(text) if text.is_empty() => Some(Vec::new()),
        Given::Text(text) => text
            .split(',')
            .map(|part| item(&Given::Text(part.trim().to_owned())))
            .collect(),
        _ => None,
    };
    items.map(Value::List)
}

fn key(given: &Given) -> Option<String> {
    match given {
        Given::Text(text) => {
            let (kid, file) = text.split_once('=')?;
            (!kid.is_empty() && !file.is_empty()).then(|| text.clone())
        }
        Given::Table(entries) if entries.len() == 2 => {
            let field = |name| entries.iter().find(|(key, _)| key == name)?.1.text();
            let (kid, file) = (field("kid")?, field("file")?);
            (!kid.is_empty() && !kid.contains('=') && !file.is_empty())
                .then(|| format!("{kid}={file}"))
        }
        _ => None,
    }
}
