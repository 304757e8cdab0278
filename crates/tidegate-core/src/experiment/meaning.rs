//! What a flag's rule comes to: the rule with every evaluator that it names written out. Made by the control plane for a [`super::Design`].

use serde_json::{Map, Value};

/// How many values a rule may have once it is written out.
const MOST_VALUES: usize = 200_000;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// The rule, written out; null: there is none.
    pub rule: Value,
    /// A digest of it and of all else that decides who gets what: another one, another experiment.
    pub digest: String,
}

/// A rule with the evaluators that it names put in their places. They name no others. `None`: it is too large then.
pub fn written_out(rule: &Value, evaluators: &Map<String, Value>) -> Option<Value> {
    let mut left = MOST_VALUES;
    write_out(rule, evaluators, &mut left)
}

fn write_out(rule: &Value, evaluators: &Map<String, Value>, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    if let Some(named) = named(rule).and_then(|name| evaluators.get(name)) {
        // Not the way in here: an evaluator that names itself would never end.
        *left = left.checked_sub(size(named))?;
        return Some(named.clone());
    }
    Some(match rule {
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| write_out(item, evaluators, left)).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let each = members.iter().map(|(name, member)| {
                write_out(member, evaluators, left).map(|member| (name.clone(), member))
            });
            Value::Object(each.collect::<Option<_>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => rule.clone(),
    })
}

fn named(rule: &Value) -> Option<&str> {
    let members = rule.as_object().filter(|members| members.len() == 1)?;
    members.get("$ref")?.as_str()
}

fn size(rule: &Value) -> usize {
    1 + match rule {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_put_in_their_places_and_nothing_grows_without_end() {
        let evaluators =
            json!({ "staff": { "in": [{ "var": "email" }, ["a", "b"]] }, "round": { "$ref": "round" } });
        let evaluators = evaluators.as_object().unwrap();
        let rule = json!({ "if": [{ "$ref": "staff" }, "on", { "$ref": "unknown" }] });
        let written = written_out(&rule, evaluators).unwrap();
        let wanted =
            json!({ "if": [{ "in": [{ "var": "email" }, ["a", "b"]] }, "on", { "$ref": "unknown" }] });
        assert_eq!(written, wanted);
        assert_eq!(written_out(&json!({ "$ref": "round" }), evaluators), Some(json!({ "$ref": "round" })));
        let large = json!({ "large": vec![0; 50_000] });
        let rule = json!({ "or": vec![json!({ "$ref": "large" }); 5] });
        assert_eq!(written_out(&rule, large.as_object().unwrap()), None);
    }
}
