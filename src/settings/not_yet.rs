//! What can be set and does not work yet. A line goes when its feature arrives.

use super::source::{Problems, Source};
use super::value::Value;
use super::values::{Entry, Values};

enum Then {
    Refuse,
    /// Goes on, and says what happens instead.
    Warn(&'static str),
}

const NOT_YET: &[(&str, Then)] = &[
    ("server.tls_cert", Then::Refuse),
    ("server.tls_key", Then::Refuse),
    (
        "modules.products.redis_url",
        Then::Warn("the cache stays in this process"),
    ),
    (
        "modules.orders.redis_url",
        Then::Warn("the cache stays in this process"),
    ),
    (
        "telemetry.otlp_endpoint",
        Then::Warn("traces are not exported"),
    ),
];

/// Refusals become problems; the warnings are answered.
pub fn check(values: &Values, problems: &mut Problems) -> Vec<String> {
    let mut warnings = Vec::new();
    for entry in values.iter() {
        for (_, then) in NOT_YET
            .iter()
            .filter(|(name, _)| *name == entry.setting.name)
        {
            if !is_asked_for(entry) {
                continue;
            }
            let name = &entry.setting.name;
            match then {
                Then::Refuse => {
                    let message = "is not available in this version".to_owned();
                    problems.add_rule(name, Some(&entry.source), message);
                }
                Then::Warn(instead) => warnings.push(format!(
                    "{name} ({}): is not available in this version; {instead}",
                    entry.source
                )),
            }
        }
    }
    warnings
}

/// An inherited value was somebody else's wish.
fn is_asked_for(entry: &Entry) -> bool {
    if matches!(entry.source, Source::Default | Source::Inherited { .. }) {
        return false;
    }
    match &entry.value {
        Value::None => false,
        Value::List(items) => !items.is_empty(),
        _ => true,
    }
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
