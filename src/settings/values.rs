//! Every setting with its value and source, in the order of the schema.

use super::schema::{self, Setting};
use super::source::Source;
use super::value::Value;

#[derive(Debug, Clone)]
pub struct Entry {
    pub setting: &'static Setting,
    pub value: Value,
    pub source: Source,
}

#[derive(Debug, Clone, Default)]
pub struct Values(Vec<Entry>);

impl Values {
    pub fn empty() -> Self {
        let entry = |setting| Entry {
            setting,
            value: Value::None,
            source: Source::Default,
        };
        Self(schema::all().iter().map(entry).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.setting.name == name)
    }

    pub fn value(&self, name: &str) -> &Value {
        self.get(name).map_or(&Value::None, |entry| &entry.value)
    }

    pub fn source(&self, name: &str) -> Option<&Source> {
        self.get(name).map(|entry| &entry.source)
    }

    pub fn set(&mut self, name: &str, value: Value, source: Source) {
        if let Some(entry) = self.0.iter_mut().find(|entry| entry.setting.name == name) {
            entry.value = value;
            entry.source = source;
        }
    }

    pub fn integer(&self, name: &str) -> u64 {
        match self.value(name) {
            Value::Integer(number) => *number,
            _ => 0,
        }
    }
}
