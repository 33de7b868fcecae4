//! Names for what is another at each run, in the order of appearance.

use std::collections::HashMap;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// Members whose values are random, or made of ids.
const RANDOM: [&str; 4] = [ACCESS_TOKEN, "refresh_token", "next_cursor", "number"];
/// Two of one second may be the same, or not.
const ACCESS_TOKEN: &str = "access_token";

#[derive(Default)]
pub struct Placeholders {
    names: HashMap<String, String>,
    of_a_kind: HashMap<&'static str, usize>,
}

impl Placeholders {
    /// The text of an answer with a name in place of each id, time and token. The same one has the
    /// same name in every answer.
    pub fn put_into(&mut self, text: &str) -> String {
        if let Ok(json) = serde_json::from_str(text) {
            self.learn(&json);
        }
        self.learn_ids(text);
        let mut known: Vec<_> = self.names.iter().collect();
        // A cursor may begin as another does.
        known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        known.iter().fold(text.to_owned(), |text, (value, name)| {
            text.replace(value.as_str(), name)
        })
    }

    fn learn(&mut self, json: &Value) {
        match json {
            Value::Object(members) => {
                for (name, value) in members {
                    let random = RANDOM.into_iter().find(|random| name == random);
                    if let (Some(kind), Some(text)) = (random, value.as_str()) {
                        self.name(kind, text);
                    }
                    self.learn(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::String(text) if OffsetDateTime::parse(text, &Rfc3339).is_ok() => {
                self.name("time", text);
            }
            _ => {}
        }
    }

    fn learn_ids(&mut self, text: &str) {
        const LENGTH: usize = 36;
        for start in 0..text.len().saturating_sub(LENGTH - 1) {
            let Some(window) = text.get(start..start + LENGTH) else {
                continue;
            };
            if Uuid::try_parse(window).is_ok() {
                self.name("id", window);
            }
        }
    }

    fn name(&mut self, kind: &'static str, value: &str) {
        if self.names.contains_key(value) {
            return;
        }
        let number = self.of_a_kind.entry(kind).or_default();
        *number += 1;
        let name = match kind {
            ACCESS_TOKEN => format!("<{kind}>"),
            _ => format!("<{kind} {number}>"),
        };
        self.names.insert(value.to_owned(), name);
    }
}
