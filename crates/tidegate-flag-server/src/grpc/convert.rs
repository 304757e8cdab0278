//! JSON as gRPC has it and as flags have it.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Proto};
use serde_json::{Map, Number, Value};

/// Whole numbers up to here are the same as numbers with a point.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An object of a client.
pub(super) fn object(from: Struct) -> Map<String, Value> {
    from.fields.into_iter().map(|(name, value)| (name, json(value))).collect()
}

/// An object for a client.
pub(super) fn structure<'a>(from: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Struct {
    Struct { fields: from.into_iter().map(|(name, value)| (name.clone(), proto(value))).collect() }
}

fn json(from: Proto) -> Value {
    match from.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(value)) => number(value),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Kind::StructValue(value)) => Value::Object(object(value)),
    }
}

/// On the wire all numbers have a point; what is whole was meant to be.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn proto(from: &Value) -> Proto {
    let kind = match from {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or(f64::NAN)),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(proto).collect() }),
        Value::Object(fields) => Kind::StructValue(structure(fields)),
    };
    Proto { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_nothing_is_lost() {
        let there = serde_json::json!({
            "null": null, "yes": true, "whole": 5, "half": 0.5, "large": 1e300, "text": "ä",
            "list": [1, "two", [], {}], "object": { "deep": { "er": -7 } },
        });
        let map = there.as_object().unwrap();
        assert_eq!(Value::Object(object(structure(map))), there);
    }

    #[test]
    fn what_is_no_number_is_null() {
        assert_eq!(number(f64::NAN), Value::Null);
        assert_eq!(number(f64::INFINITY), Value::Null);
    }
}
