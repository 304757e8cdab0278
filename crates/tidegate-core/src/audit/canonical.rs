//! One text for one value: JSON as RFC 8785 (JCS) has it, for what entries are made of: objects with ASCII keys, texts, whole numbers
//! below 2^53, `true`, `false` and `null`. Fractions, which an entry never has, are written as they come.

use serde_json::Value;

/// The canonical text of a value: keys sorted, no blanks.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (n, (key, value)) in fields.into_iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                quote(key, text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        Value::String(found) => quote(found, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// As RFC 8785 has it: what must be escaped and nothing else, in the shortest way.
fn quote(found: &str, text: &mut String) {
    text.push_str(&Value::from(found).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_only_what_must_be_is_escaped() {
        let value: Value =
            serde_json::from_str("{ \"b\": [1, null, true], \"a\": \"\\u00e4\\u000a\\\"\\u001b/\\u2028\" }")
                .unwrap();
        assert_eq!(canonical(&value), "{\"a\":\"ä\\n\\\"\\u001b/\u{2028}\",\"b\":[1,null,true]}");
    }
}
