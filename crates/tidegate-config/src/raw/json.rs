//! Values that are JSON to somebody else: rules, values of variants, segments. Kept as they stand, with their places.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Number, Value as Json};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::{Node, Value};

/// Any value that JSON has.
#[derive(Clone, Debug)]
pub(crate) struct AnyJson {
    /// What it is.
    pub(crate) json: Json,
    /// Where its parts stand.
    pub(crate) node: Node,
}

impl Read for AnyJson {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let json = to_json(place.node, findings)?;
        Some(AnyJson { json, node: place.node.clone() })
    }
}

/// A tree as JSON. Numbers that JSON does not have are reported.
pub(crate) fn to_json(node: &Node, findings: &mut Findings<'_>) -> Option<Json> {
    match &node.value {
        Value::Null => Some(Json::Null),
        Value::Bool(text) => Some(Json::Bool(text.eq_ignore_ascii_case("true"))),
        Value::Text(text) => Some(Json::String(text.clone())),
        Value::Number(text) => {
            let number = number(text);
            if number.is_none() {
                let message = format!("{} is no number that a flag can have", crate::quote::quote(text));
                findings.push(
                    Diagnostic::error(codes::WRONG_TYPE, message)
                        .at(node.span, "not in JSON")
                        .help("write a number as 1, -2.5 or 1e6, or put a text in quotes"),
                );
            }
            number.map(Json::Number)
        }
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| to_json(item, findings)).collect();
            items.into_iter().collect::<Option<Vec<_>>>().map(Json::Array)
        }
        Value::Map(entries) => {
            let members: Vec<_> = entries
                .iter()
                .map(|entry| to_json(&entry.value, findings).map(|value| (entry.key.text.clone(), value)))
                .collect();
            members.into_iter().collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        Value::Reported => None,
    }
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let with_base = |digits: &str, base| u64::from_str_radix(digits, base).ok().map(Number::from);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return with_base(digits, 16);
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return with_base(digits, 8);
    }
    let whole = unsigned.parse::<i64>().ok().map(Number::from);
    let large = || unsigned.parse::<u64>().ok().map(Number::from);
    whole.or_else(large).or_else(|| unsigned.parse().ok().and_then(Number::from_f64))
}

impl JsonSchema for AnyJson {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyJson".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "array", "string", "number", "boolean", "null"] })
    }
}
