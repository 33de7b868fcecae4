use std::collections::BTreeSet;

use serde_json::Value;

/// What a peer that knows the pinned form would see of the one that is sent now; nothing when they
/// are the same.
pub fn differences(pinned: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", pinned, now, &mut found);
    found
}

fn compare(path: &str, pinned: &Value, now: &Value, found: &mut Vec<String>) {
    match (pinned, now) {
        (Value::Object(old), Value::Object(new)) => {
            let fields: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for field in fields {
                let path = match path {
                    "" => field.clone(),
                    _ => format!("{path}.{field}"),
                };
                match (old.get(field), new.get(field)) {
                    (Some(old), Some(new)) => compare(&path, old, new, found),
                    (Some(old), None) => found.push(missed(&path, old)),
                    (None, _) => found.push(format!(
                        "an older peer would get `{path}`, which it does not know, and ignore it"
                    )),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            if old.len() != new.len() {
                found.push(format!(
                    "{}: was {} long, now {}",
                    name(path),
                    old.len(),
                    new.len()
                ));
            }
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, found);
            }
        }
        (old, new) if old == new => {}
        (old, new) if kind(old) == kind(new) => {
            found.push(format!("{}: was {old}, now {new}", name(path)));
        }
        (old, new) => found.push(format!(
            "{}: was {}, now {}, and an older peer could not read it",
            name(path),
            kind(old),
            kind(new)
        )),
    }
}

fn missed(path: &str, pinned: &Value) -> String {
    let consequence = match pinned {
        Value::Null => "take it as null",
        _ => "could not read this, unless it does without",
    };
    format!("an older peer would miss `{path}` and {consequence}")
}

fn name(path: &str) -> String {
    match path {
        "" => "the value".to_owned(),
        _ => format!("`{path}`"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Change<'a> = &'a dyn Fn(&mut Value);

    #[test]
    fn says_what_an_older_peer_would_see() {
        let line = json!({ "id": 1, "quantity": 2, "note": null });
        let pinned = json!({ "code": "short", "lines": [line, line] });
        let with = |change: Change<'_>| {
            let mut now = pinned.clone();
            change(&mut now);
            differences(&pinned, &now)
        };
        assert_eq!(with(&|_| {}), [""; 0]);
        let cases: [(Change<'_>, &str); 7] = [
            (
                &|now| now["lines"][1]["unit"] = json!("kg"),
                "an older peer would get `lines[1].unit`, which it does not know, and ignore it",
            ),
            (
                &|now| drop(now["lines"][0].as_object_mut().unwrap().remove("quantity")),
                "an older peer would miss `lines[0].quantity` and could not read this, unless it \
                 does without",
            ),
            (
                &|now| drop(now["lines"][0].as_object_mut().unwrap().remove("note")),
                "an older peer would miss `lines[0].note` and take it as null",
            ),
            (
                &|now| now["code"] = json!("sold_out"),
                r#"`code`: was "short", now "sold_out""#,
            ),
            (
                &|now| now["lines"][0]["id"] = json!("1"),
                "`lines[0].id`: was a number, now a string, and an older peer could not read it",
            ),
            (
                &|now| drop(now["lines"].as_array_mut().unwrap().pop()),
                "`lines`: was 2 long, now 1",
            ),
            (
                &|now| *now = json!("short"),
                "the value: was an object, now a string, and an older peer could not read it",
            ),
        ];
        for (change, message) in cases {
            assert_eq!(with(change), [message]);
        }
    }
}
