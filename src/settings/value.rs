//! A setting's value: as a layer gives it, and as it was understood.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::mask;

/// What a layer holds for a name, before its kind is known.
#[derive(Debug, Clone)]
pub enum Given {
    /// From the environment or the command line: everything is text there.
    Text(String),
    String(String),
    Integer(i128),
    Fraction(f64),
    Flag(bool),
    List(Vec<Given>),
    Table(Vec<(String, Given)>),
    /// TOML that no setting takes: its description.
    Other(&'static str),
}

impl Given {
    pub fn text(&self) -> Option<&str> {
        match self {
            Given::Text(text) | Given::String(text) => Some(text),
            _ => None,
        }
    }

    /// How an error message shows it.
    pub fn shown(&self) -> String {
        match self {
            Given::Text(text) | Given::String(text) => format!("{text:?}"),
            Given::Integer(number) => format!("the number {number}"),
            Given::Fraction(number) => format!("the number {number:?}"),
            Given::Flag(flag) => flag.to_string(),
            Given::List(_) => "a list".to_owned(),
            Given::Table(_) => "a table".to_owned(),
            Given::Other(what) => (*what).to_owned(),
        }
    }
}

/// A value of the right kind and in range.
#[derive(Debug, Clone)]
pub enum Value {
    None,
    Text(String),
    Integer(u64),
    /// From 0 to 1.
    Ratio(f64),
    Flag(bool),
    List(Vec<String>),
    Secret(SecretString),
    /// Kept like a secret, for it may hold a password; shown without it.
    Url(SecretString),
}

impl Value {
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    pub fn is_text(&self, text: &str) -> bool {
        matches!(self, Value::Text(own) if own == text)
    }

    pub fn secret(&self) -> Option<&SecretString> {
        match self {
            Value::Secret(secret) | Value::Url(secret) => Some(secret),
            _ => None,
        }
    }

    /// For the typed settings: secrets as they are.
    pub fn exposed(&self) -> Json {
        match self.secret() {
            Some(secret) => json!(secret.expose_secret()),
            None => self.masked(),
        }
    }

    /// For people: secrets and the passwords of URLs hidden.
    pub fn masked(&self) -> Json {
        match self {
            Value::None => Json::Null,
            Value::Text(text) => json!(text),
            Value::Integer(number) => json!(number),
            Value::Ratio(ratio) => json!(ratio),
            Value::Flag(flag) => json!(flag),
            Value::List(items) => json!(items),
            Value::Secret(_) => json!(mask::MASK),
            Value::Url(url) => json!(mask::url(url.expose_secret())),
        }
    }
}
