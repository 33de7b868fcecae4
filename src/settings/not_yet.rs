//! What can be set and does not work yet. A line goes when its feature arrives.

use super::source::{Problems, Source};
use super::value::Value;
use super::values::{Entry, Values};

enum When {
    /// Anybody asked for it.
    Set,
    Is(&'static str),
}

enum Then {
    Refuse,
    /// Goes on, and says what happens instead.
    Warn(&'static str),
}

/// `*` stands for each module.
const NOT_YET: &[(&str, When, Then)] = &[
    ("server.tls_cert", When::Set, Then::Refuse),
    ("server.tls_key", When::Set, Then::Refuse),
    ("auth.algorithm", When::Is("EdDSA"), Then::Refuse),
    ("auth.keys", When::Set, Then::Refuse),
    (
        "redis.url",
        When::Set,
        Then::Warn("the cache stays in this process, and each replica has its own dial"),
    ),
    (
        "modules.*.redis_url",
        When::Set,
        Then::Warn("the cache stays in this process"),
    ),
    (
        "webhooks.allow_private_addresses",
        When::Is("true"),
        Then::Warn("there are no webhooks"),
    ),
    (
        "telemetry.otlp_endpoint",
        When::Set,
        Then::Warn("traces are not exported"),
    ),
];

/// Refusals become problems; the warnings are answered.
pub fn check(values: &Values, problems: &mut Problems) -> Vec<String> {
    let mut warnings = Vec::new();
    for entry in values.iter() {
        for (_, when, then) in NOT_YET
            .iter()
            .filter(|(name, ..)| matches(name, &entry.setting.name))
        {
            if !applies(when, entry) {
                continue;
            }
            let name = &entry.setting.name;
            let what = match when {
                When::Set => String::new(),
                When::Is(text) => format!("{text} "),
            };
            match then {
                Then::Refuse => {
                    let message = format!("{what}is not available in this version");
                    problems.add_rule(name, Some(&entry.source), message);
                }
                Then::Warn(instead) => warnings.push(format!(
                    "{name} ({}): {what}is not available in this version; {instead}",
                    entry.source
                )),
            }
        }
    }
    warnings
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

fn applies(when: &When, entry: &Entry) -> bool {
    match when {
        // An inherited value was somebody else's wish, and is reported there.
        When::Set if matches!(entry.source, Source::Default | Source::Inherited { .. }) => false,
        When::Set => match &entry.value {
            Value::None => false,
            Value::List(items) => !items.is_empty(),
            _ => true,
        },
        When::Is(text) => match &entry.value {
            Value::Flag(flag) => flag.to_string() == *text,
            value => value.is_text(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema;

    #[test]
    fn every_line_names_a_setting() {
        for (pattern, ..) in NOT_YET {
            assert!(
                schema::all()
                    .iter()
                    .any(|setting| matches(pattern, &setting.name)),
                "{pattern}"
            );
        }
    }
}
