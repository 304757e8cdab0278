//! What the rule of a flag comes to: lowered as the flag servers lower it, with the names in it written out and a digest of the whole.
//! A segment, an evaluator or a flag that it asks for is a part of it, and so a change there is one.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_core::experiment::{Meaning, written_out};
use tidegate_core::model::{FlagKey, FlagState};
use tidegate_core::release::compose;
use tidegate_flags::{FlagSet, Options};

use crate::snapshot::digest_of;

/// The parts of a document that rules name things of.
const SECTIONS: [&str; 3] = ["flags", "$evaluators", "segments"];

/// What a flag of a document comes to while other flags are served as these states say.
///
/// # Errors
/// Why nobody can say: the rule cannot be read, or it is too large.
pub(super) fn meaning(document: &Value, states: &[FlagState], flag: &FlagKey) -> Result<Meaning, String> {
    let own = part_of(document, flag.as_str());
    // What is served of the flag itself is no part of its rule.
    let composed = compose(&own, states.iter().filter(|state| state.key != *flag));
    let set = FlagSet::parse(&composed.to_string(), &Options::default())
        .map_err(|error| format!("its rule cannot be read: {error}"))?;
    let lowered: Value =
        serde_json::from_str(set.source()).map_err(|error| format!("its rule cannot be read: {error}"))?;
    let definition = lowered.get("flags").and_then(|flags| flags.get(flag.as_str())).unwrap_or(&Value::Null);
    let evaluators = lowered.get("$evaluators").and_then(Value::as_object);
    let rule = definition.get("targeting").unwrap_or(&Value::Null);
    let rule = match evaluators {
        Some(evaluators) => written_out(rule, evaluators).ok_or("its rule is too large")?,
        None => rule.clone(),
    };
    let all =
        json!({ "rule": rule, "variants": definition.get("variants"), "state": definition.get("state") });
    // In whatever order its members are written: that changes nothing of what it means.
    let digest = digest_of(&[set.fractional().as_str().as_bytes(), sorted(all).to_string().as_bytes()]);
    Ok(Meaning { rule, digest })
}

/// The same with the members of every object in the order of their names.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, member)| (name, sorted(member))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// The flag and all that it names, by whatever way: the rest of a large document costs nothing then.
fn part_of(document: &Value, flag: &str) -> Value {
    let mut part = json!({ "flags": {} });
    if let Some(metadata) = document.get("metadata") {
        part["metadata"] = metadata.clone();
    }
    let (mut reached, mut open) = (BTreeSet::new(), vec![flag]);
    while let Some(name) = open.pop() {
        if !reached.insert(name) {
            continue;
        }
        for section in SECTIONS {
            if let Some(value) = document.get(section).and_then(|members| members.get(name)) {
                part[section][name] = value.clone();
                names_in(value, &mut open);
            }
        }
    }
    part
}

/// Every text after a word that names something.
fn names_in<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names_in(item, found)),
        Value::Object(members) => members.iter().for_each(|(word, value)| match (word.as_str(), value) {
            ("$ref" | "segment" | "flag", Value::String(name)) => found.push(name),
            _ => names_in(value, found),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::Serving;

    use super::*;

    fn document() -> Value {
        let flag = |rule: Value| json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off", "targeting": rule });
        json!({
            "$evaluators": { "half": { "fractional": [["on", 1], ["off", 1]] }, "unused": { "==": [1, 1] } },
            "segments": { "staff": { "include": ["ann"] }, "beta": { "rule": { "segment": "staff" } } },
            "flags": {
                "cart": flag(json!({ "if": [{ "segment": "beta" }, "beta", { "==": [{ "flag": "shop" }, "on"] }, { "$ref": "half" }, "none"] })),
                "shop": flag(json!({ "if": [{ "var": "x" }, "on"] })),
                "other": flag(json!({})),
            },
        })
    }

    fn of(document: &Value, states: &[FlagState]) -> Meaning {
        meaning(document, states, &"cart".parse().unwrap()).unwrap()
    }

    #[test]
    fn whatever_the_rule_names_is_a_part_of_it_and_nothing_else_is() {
        let before = of(&document(), &[]);
        assert!(!before.rule.to_string().contains("$ref"), "{}", before.rule);
        for (pointer, value, differs) in [
            ("/segments/staff/include", json!(["ann", "bob"]), true),
            ("/$evaluators/half", json!({ "fractional": [["on", 2], ["off", 1]] }), true),
            ("/flags/shop/targeting", json!({}), true),
            ("/flags/cart/variants/on", json!("yes"), true),
            ("/flags/other/targeting", json!({ "if": [true, "on"] }), false),
            ("/$evaluators/unused", json!({ "==": [1, 2] }), false),
        ] {
            let mut changed = document();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(of(&changed, &[]).digest != before.digest, differs, "{pointer}");
        }
        let mut v3 = document();
        v3["metadata"] = json!({ "fractional": "v3" });
        v3["flags"]["cart"]["targeting"] = json!({ "$ref": "half" });
        let mut v2 = v3.clone();
        v2["metadata"] = json!({ "fractional": "v2" });
        assert_ne!(of(&v3, &[]).digest, of(&v2, &[]).digest, "users are drawn otherwise");
    }

    #[test]
    fn how_it_is_written_and_what_is_served_of_it_are_not() {
        let before = of(&document(), &[]);
        let mut spelt = document();
        spelt["flags"]["cart"]["targeting"]["if"][3] = spelt["$evaluators"]["half"].clone();
        assert_eq!(of(&spelt, &[]), before);
        let state = |key: &str, serving| FlagState {
            serving,
            version: 1,
            ..FlagState::untouched(key.parse().unwrap())
        };
        let killed = Serving::Killed("off".to_owned());
        assert_eq!(of(&document(), &[state("cart", killed.clone())]), before);
        assert_ne!(of(&document(), &[state("shop", killed)]).digest, before.digest);
    }
}
