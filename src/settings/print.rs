//! `cleave config`: what is in effect, and where it came from.

use serde_json::Value as Json;

use super::Settings;
use super::values::Entry;

/// One setting as people and scripts may see it: secrets and passwords are hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    pub name: String,
    /// null = none.
    pub value: Json,
    pub source: String,
    /// The value in words.
    pub shown: String,
}

impl Effective {
    pub(super) fn of(entry: &Entry) -> Self {
        let value = entry.value.masked();
        let shown = match &value {
            Json::Null => entry.setting.none.unwrap_or("none").to_owned(),
            Json::String(text) => text.clone(),
            Json::Array(items) if items.is_empty() => "none".to_owned(),
            Json::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(Json::as_str).collect();
                items.join(",")
            }
            other => other.to_string(),
        };
        Self {
            name: entry.setting.name.clone(),
            value,
            source: entry.source.to_string(),
            shown,
        }
    }
}

/// The whole answer of the command, ending with a newline.
pub fn print(settings: &Settings, json: bool) -> String {
    let effective = settings.effective();
    if json {
        return format!(
            "{:#}\n",
            Json::Array(effective.iter().map(to_json).collect())
        );
    }
    let width = |text: fn(&Effective) -> &str| {
        let widths = effective.iter().map(|row| text(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let (names, values) = (width(|row| &row.name), width(|row| &row.shown));
    effective
        .iter()
        .map(|row| {
            format!(
                "{:names$}  {:values$}  {}\n",
                row.name, row.shown, row.source
            )
        })
        .collect()
}

fn to_json(row: &Effective) -> Json {
    serde_json::json!({ "name": row.name, "value": row.value, "source": row.source })
}
