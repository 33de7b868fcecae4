//! JSON Merge Patch (RFC 7396), also as the body of a request.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::{Problem, body};

/// A merge patch whose members are those of `T`: 422 for others, and where `T` refuses them.
#[derive(Debug)]
pub struct MergePatch<T> {
    patch: Value,
    members: PhantomData<fn() -> T>,
}

impl<T> MergePatch<T> {
    /// What becomes of `whole`, held against the rules of its type: 422 when it breaks one.
    pub fn apply<W>(&self, whole: &W) -> Result<W, Problem>
    where
        W: Serialize + DeserializeOwned + Validate<Context = ()>,
    {
        let mut json = serde_json::to_value(whole).map_err(|error| {
            tracing::error!(%error, "what is to be patched has no JSON form");
            Problem::internal()
        })?;
        merge(&mut json, self.patch.clone());
        body::from_value(json)
    }
}

impl<T> FromRequest for MergePatch<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = body::receive(req, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            body::parse::<T>(&bytes)?;
            let patch = serde_json::from_slice(&bytes).map_err(body::malformed)?;
            Ok(Self {
                patch,
                members: PhantomData,
            })
        })
    }
}

/// For a member that has no `null`: a merge patch cannot remove it.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(de::Error::custom("must not be null")),
    }
}

/// `MergePatch` of RFC 7396, section 2: members of an object are merged one by one, `null` removes,
/// anything else replaces.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(&name)),
            value => merge(members.entry(name).or_insert(Value::Null), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch.clone());
        target
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        // Appendix A: original, patch, result.
        for (original, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(
                merged(original.clone(), &patch),
                result,
                "{original} {patch}"
            );
        }
    }

    /// Few names, so that they meet.
    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// No object in it has a `null`, so that a patch can tell of it.
    fn whole(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let kept = members.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(kept.map(|(name, value)| (name, whole(value))).collect())
            }
            other => other,
        }
    }

    /// The patch that leads from one document to another.
    fn difference(from: &Value, to: &Value) -> Value {
        let (Value::Object(from), Value::Object(to)) = (from, to) else {
            return to.clone();
        };
        let gone = from.keys().filter(|name| !to.contains_key(*name));
        let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
        for (name, value) in to {
            match from.get(name) {
                Some(old) if old == value => {}
                Some(old) => drop(patch.insert(name.clone(), difference(old, value))),
                None => drop(patch.insert(name.clone(), value.clone())),
            }
        }
        Value::Object(patch)
    }

    proptest! {
        #[test]
        fn a_patch_twice_is_a_patch_once(target in document(), patch in document()) {
            let once = merged(target, &patch);
            prop_assert_eq!(merged(once.clone(), &patch), once);
        }

        #[test]
        fn nothing_changes_nothing(target in document()) {
            let expected = match target.is_object() {
                true => target.clone(),
                false => json!({}),
            };
            prop_assert_eq!(merged(target, &json!({})), expected);
        }

        #[test]
        fn any_whole_document_can_be_reached(from in document(), to in document()) {
            let (from, to) = (whole(from), whole(to));
            prop_assert_eq!(merged(from.clone(), &difference(&from, &to)), to);
        }

        #[test]
        fn a_member_is_what_its_own_patch_makes_of_it(target in document(), patch in document()) {
            let (Value::Object(members), Value::Object(changes)) = (&target, &patch) else {
                return Ok(());
            };
            let result = merged(target.clone(), &patch);
            for name in ["a", "b", "c"] {
                let expected = match (members.get(name), changes.get(name)) {
                    (before, None) => before.cloned(),
                    (_, Some(Value::Null)) => None,
                    (before, Some(change)) => {
                        Some(merged(before.cloned().unwrap_or_default(), change))
                    }
                };
                prop_assert_eq!(result.get(name), expected.as_ref());
            }
        }
    }
}
