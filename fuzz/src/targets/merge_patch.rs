//! Merge patches against RFC 7396, section 2, word by word.
use platform::merge_patch::merge;
use serde_json::{Map, Value};

const DEEPEST: usize = 100;

pub fn run(data: &[u8]) {
    let mut bytes = data.iter();
    let mut next = || bytes.next().copied();
    let (target, patch) = (value(&mut next, 0), value(&mut next, 0));

    let mut once = target.clone();
    merge(&mut once, patch.clone());
    assert_eq!(once, reference(Some(&target), &patch));
    let mut twice = once.clone();
    merge(&mut twice, patch.clone());
    assert_eq!(once, twice);
}

/// Few names, so that they meet.
fn value(next: &mut impl FnMut() -> Option<u8>, depth: usize) -> Value {
    let Some(byte) = next() else {
        return Value::Null;
    };
    let count = usize::from(byte >> 3) % 5;
    match byte % 8 {
        0 | 1 => Value::Null,
        2 => byte.into(),
        3 => String::from(char::from(byte)).into(),
        4 if depth < DEEPEST => (0..count).map(|_| value(next, depth + 1)).collect(),
        _ if depth < DEEPEST => {
            let mut members = Map::new();
            for _ in 0..count {
                let name = ["a", "b", "c", ""][usize::from(next().unwrap_or(0) % 4)];
                members.insert(name.to_owned(), value(next, depth + 1));
            }
            Value::Object(members)
        }
        _ => true.into(),
    }
}

fn reference(target: Option<&Value>, patch: &Value) -> Value {
    let Some(patch) = patch.as_object() else {
        return patch.clone();
    };
    let empty = Map::new();
    let target = target.and_then(Value::as_object).unwrap_or(&empty);
    let untouched = target.iter().filter(|(name, _)| !patch.contains_key(*name));
    let untouched = untouched.map(|(name, value)| (name.clone(), value.clone()));
    let changes = patch.iter().filter(|(_, value)| !value.is_null());
    let changed = changes.map(|(name, value)| (name.clone(), reference(target.get(name), value)));
    Value::Object(untouched.chain(changed).collect())
}
