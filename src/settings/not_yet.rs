//! What can be set and does not work yet. A line goes when its feature arrives.

use super::source::Source;
use super::value::Value;
use super::values::{Entry, Values};

/// Settings, each with what happens instead.
const NOT_YET: &[(&str, &str)] = &[
    (
        "modules.products.redis_url",
        "products asks its database, and keeps nothing in Redis",
    ),
    (
        "modules.orders.redis_url",
        "orders asks its database, and keeps nothing in Redis",
    ),
];

/// The warnings.
pub fn check(values: &Values) -> Vec<String> {
    let warn = |entry: &Entry| {
        let name = &entry.setting.name;
        let (_, instead) = NOT_YET.iter().find(|(not_yet, _)| not_yet == name)?;
        is_asked_for(entry).then(|| {
            let source = &entry.source;
            format!("{name} ({source}): is not available in this version; {instead}")
        })
    };
    values.iter().filter_map(warn).collect()
}

/// An inherited value was somebody else's wish.
fn is_asked_for(entry: &Entry) -> bool {
    let own = !matches!(entry.source, Source::Default | Source::Inherited { .. });
    own && !matches!(entry.value, Value::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema;

    #[test]
    fn every_line_names_a_setting() {
        for (name, _) in NOT_YET {
            assert!(schema::find(name).is_some(), "{name}");
        }
    }
}
