//! Segments: groups of users that several flags speak of, by name.
//!
//! ```json
//! "segments": { "beta": { "include": ["u1"], "exclude": ["u2"], "rule": {"ends_with": [{"var": "email"}, "@x.org"]} } }
//! ```
//!
//! A rule asks `{"segment": "beta"}`. Each becomes an evaluator of flagd's; who is excluded is not in it, whatever else.

use serde_json::{Value, json};

use crate::Map;
use crate::file::{FlagFileError, escaped};

/// What evaluators made of segments are called, before their own name.
const PREFIX: &str = "segment:";

/// Adds an evaluator for each segment.
pub(super) fn to_evaluators(segments: &Map, evaluators: &mut Map) -> Result<(), FlagFileError> {
    for (name, segment) in segments {
        evaluators.insert(format!("{PREFIX}{name}"), evaluator(name, segment)?);
    }
    Ok(())
}

fn evaluator(name: &str, segment: &Value) -> Result<Value, FlagFileError> {
    let place = format!("/segments/{}", escaped(name));
    let Some(segment) = segment.as_object() else {
        return Err(FlagFileError::at(place, "a segment is an object"));
    };
    if let Some(unknown) = segment.keys().find(|key| !matches!(key.as_str(), "include" | "exclude" | "rule"))
    {
        return Err(FlagFileError::at(
            place,
            format!("a segment has no `{unknown}`: include, exclude, rule"),
        ));
    }
    let among = |list: &str| -> Result<Option<Value>, FlagFileError> {
        match segment.get(list) {
            None => Ok(None),
            Some(keys) if is_texts(keys) => Ok(Some(json!({"in": [{"var": "targetingKey"}, keys]}))),
            Some(_) => {
                Err(FlagFileError::at(format!("{place}/{list}"), "a list of targeting keys is expected"))
            }
        }
    };
    let excluded = among("exclude")?;
    let included: Vec<Value> = among("include")?.into_iter().chain(segment.get("rule").cloned()).collect();
    let included = json!({"!!": [{"or": included}]});
    Ok(match excluded {
        Some(excluded) => json!({"and": [{"!": [excluded]}, included]}),
        None => included,
    })
}

fn is_texts(keys: &Value) -> bool {
    keys.as_array().is_some_and(|keys| keys.iter().all(Value::is_string))
}

/// What stands for `{"segment": name}`.
pub(super) fn reference(name: &Value, segments: &Map) -> Result<Value, String> {
    match name.as_str().filter(|name| segments.contains_key(*name)) {
        Some(name) => Ok(json!({"$ref": format!("{PREFIX}{name}")})),
        None => Err(format!("no segment is named {name}")),
    }
}
