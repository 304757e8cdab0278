//! What is in force once a deploy's definitions are: its own, and those of flags that serving revisions still ask for.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::FlagKey;

/// What definitions share by name besides flags.
const SHARED: [&str; 2] = ["segments", "$evaluators"];

/// The new definitions, with the flags of the ones before that are gone from Git while a serving revision mentions them, and
/// with whatever their rules speak of. What both have is the new one's.
pub fn carried(new: &Value, before: &Value, mentioned: &BTreeSet<FlagKey>) -> Value {
    let mut all = new.clone();
    let kept = kept(new, before, mentioned);
    if kept.is_empty() {
        return all;
    }
    for section in SHARED {
        let shared = members(before, section).into_iter().flatten();
        shared.for_each(|(name, value)| add(&mut all, section, name, value));
    }
    for (key, flag) in members(before, "flags").into_iter().flatten() {
        if kept.contains(key.as_str()) {
            add(&mut all, "flags", key, flag);
        }
    }
    all
}

/// The keys of the flags that are kept: mentioned ones, and those that their rules ask for.
fn kept<'b>(new: &Value, before: &'b Value, mentioned: &BTreeSet<FlagKey>) -> BTreeSet<&'b str> {
    let (Some(flags), now) = (members(before, "flags"), members(new, "flags")) else {
        return BTreeSet::new();
    };
    let is_gone = |key: &&str| flags.contains_key(*key) && now.is_none_or(|now| !now.contains_key(*key));
    let gone = |key: &'b String| Some(key.as_str()).filter(is_gone);
    let mut open: Vec<&str> = flags
        .keys()
        .filter_map(gone)
        .filter(|key| mentioned.iter().any(|flag| flag.as_str() == *key))
        .collect();
    let mut kept = BTreeSet::new();
    while let Some(key) = open.pop() {
        if kept.insert(key) {
            let mut asked = Vec::new();
            asked_for(&flags[key], &mut asked);
            SHARED
                .iter()
                .filter_map(|section| before.get(section))
                .for_each(|shared| asked_for(shared, &mut asked));
            open.extend(asked.into_iter().filter(is_gone));
        }
    }
    kept
}

/// The keys that `{"flag": KEY}` stands for somewhere within.
fn asked_for<'v>(value: &'v Value, keys: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| asked_for(item, keys)),
        Value::Object(members) => {
            if let (1, Some(Value::String(key))) = (members.len(), members.get("flag")) {
                keys.push(key);
            }
            members.values().for_each(|value| asked_for(value, keys));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn members<'v>(document: &'v Value, section: &str) -> Option<&'v Map<String, Value>> {
    document.get(section).and_then(Value::as_object)
}

fn add(document: &mut Value, section: &str, name: &str, value: &Value) {
    let sections = document.as_object_mut().into_iter();
    let section = sections.map(|all| all.entry(section).or_insert_with(|| Value::Object(Map::new())));
    for members in section.filter_map(Value::as_object_mut) {
        members.entry(name).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flags(keys: &[&str]) -> BTreeSet<FlagKey> {
        keys.iter().map(|key| key.parse().unwrap()).collect()
    }

    #[test]
    fn a_flag_that_is_gone_from_git_stays_while_somebody_asks_for_it() {
        let before = json!({"flags": {"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1}}});
        let new = json!({"flags": {"a": {"n": 2}}});
        assert_eq!(carried(&new, &before, &flags(&[])), new);
        let expected = json!({"flags": {"a": {"n": 2}, "b": {"n": 1}}});
        assert_eq!(carried(&new, &before, &flags(&["a", "b", "x"])), expected);
        let none = json!({"flags": {}});
        assert_eq!(carried(&none, &before, &flags(&["c"])), json!({"flags": {"c": {"n": 1}}}));
        assert_eq!(carried(&none, &json!({}), &flags(&["c"])), none);
    }

    #[test]
    fn what_its_rule_speaks_of_stays_with_it() {
        let asks = json!({"targeting": {"if": [{"==": [{"flag": "a"}, "on"]}, {"segment": "staff"}]}});
        let before =
            json!({"flags": {"a": {"n": 1}, "b": asks, "c": {}}, "segments": {"staff": 1, "beta": 1}});
        let new = json!({"flags": {}, "segments": {"beta": 2}});
        let expected = json!({"flags": {"a": {"n": 1}, "b": asks}, "segments": {"staff": 1, "beta": 2}});
        assert_eq!(carried(&new, &before, &flags(&["b"])), expected);
    }
}
