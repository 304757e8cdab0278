//! Whether a flag's own rule leaves anybody for what is released.
//!
//! Asked by `tidegate check` and by the answers of `tidegate release`: where a rule gives everybody a variant, `on` and `to`
//! change nothing that anybody sees. It looks at the rule as it is written and says yes only where it is sure.

use serde_json::{Map, Value};

/// The furthest a rule refers to shared evaluators, and is looked into.
const DEEPEST: usize = 64;
/// Operators whose result is never null.
const NEVER_NULL: [&str; 16] =
    ["==", "!=", "===", "!==", "<", "<=", ">", ">=", "!", "!!", "in", "cat", "substr", "some", "none", "all"];

/// Whether a rule gives a variant to everybody who can be told apart. `evaluators`: those that `$ref` names.
pub fn answers_everybody(rule: &Value, evaluators: Option<&Value>) -> bool {
    answers(rule, evaluators, 0)
}

fn answers(rule: &Value, evaluators: Option<&Value>, depth: usize) -> bool {
    match rule {
        _ if depth > DEEPEST => false,
        Value::Null | Value::Array(_) => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Object(members) => operator(members).is_some_and(|(name, arguments)| match name {
            "if" | "?:" => branches(arguments, evaluators, depth + 1),
            "fractional" => draws(arguments),
            "$ref" => named(arguments, evaluators).is_some_and(|rule| answers(rule, evaluators, depth + 1)),
            name => NEVER_NULL.contains(&name),
        }),
    }
}

fn operator(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, arguments) = members.iter().next().filter(|_| members.len() == 1)?;
    Some((name.as_str(), arguments))
}

/// `[condition, then, …, else]`: there is an else, and every way through comes to something.
fn branches(arguments: &Value, evaluators: Option<&Value>, depth: usize) -> bool {
    let Some(arguments) = arguments.as_array() else { return answers(arguments, evaluators, depth) };
    let ways = arguments.chunks(2).filter_map(<[Value]>::last);
    arguments.len() % 2 == 1 && ways.into_iter().all(|way| answers(way, evaluators, depth))
}

/// Every share is of a variant, and there is one that is not empty.
fn draws(arguments: &Value) -> bool {
    let shares = arguments.as_array().into_iter().flatten().filter_map(Value::as_array);
    let mut any = false;
    for share in shares {
        match (share.first(), share.get(1).map_or(Some(1), Value::as_i64)) {
            (Some(variant), Some(weight)) if weight > 0 && !variant.is_null() => any = true,
            (_, Some(weight)) if weight <= 0 => {}
            _ => return false,
        }
    }
    any
}

fn named<'e>(name: &Value, evaluators: Option<&'e Value>) -> Option<&'e Value> {
    evaluators?.get(name.as_str()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_rule_with_an_answer_for_everybody_leaves_nobody() {
        let evaluators = json!({"all": {"if": [true, "on", "off"]}, "round": {"$ref": "round"}});
        for (rule, all) in [
            (json!("on"), true),
            (json!({"if": [{"var": "staff"}, "on", "off"]}), true),
            (json!({"if": [{"var": "staff"}, "on"]}), false),
            (json!({"if": [{"var": "staff"}, "on", null]}), false),
            (json!({"if": [{"var": "staff"}, null, "off"]}), false),
            (json!({"if": [1, "a", 2, "b", {"if": [3, "c", "d"]}]}), true),
            (json!({"if": [1, "a", 2, "b", {"if": [3, "c"]}]}), false),
            (json!({"fractional": [["on", 10], ["off", 90]]}), true),
            (json!({"fractional": [{"var": "org"}, ["on", 10], [null, 90]]}), false),
            (json!({"fractional": [["on", 0]]}), false),
            (json!({"fractional": [["on", {"var": "n"}]]}), false),
            (json!({"==": [{"var": "plan"}, "pro"]}), true),
            (json!({"var": "variant"}), false),
            (json!({"$ref": "all"}), true),
            (json!({"$ref": "round"}), false),
            (json!({"$ref": "none"}), false),
            (json!({"segment": "staff"}), false),
            (json!({}), false),
            (json!(null), false),
        ] {
            assert_eq!(answers_everybody(&rule, Some(&evaluators)), all, "{rule}");
        }
    }
}
