//! How values are written in YAML and JSON, as their neighbours are.

use serde_json::Value as Json;

/// Words that readers of YAML 1.1 take for something else than text.
const WORDS: [&str; 11] = ["on", "off", "yes", "no", "y", "n", "true", "false", "null", "none", "~"];

/// A text as a scalar, in the quotes of the one it takes the place of. `json`: the file is JSON.
pub(super) fn scalar(text: &str, instead_of: Option<&str>, json: bool) -> String {
    match instead_of.and_then(|before| before.chars().next()) {
        Some('\'') => format!("'{}'", text.replace('\'', "''")),
        Some('"') => quoted(text),
        _ if json || !is_plain(text) => quoted(text),
        _ => text.to_owned(),
    }
}

/// A key of a map.
pub(super) fn name(name: &str, json: bool) -> String {
    if json { quoted(name) } else { name.to_owned() }
}

/// A value on one line, which is YAML as well.
pub(super) fn inline(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{}: {}", quoted(name), inline(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Json::String(text.to_owned()).to_string()
}

/// Whether it is the same text to every reader without quotes.
fn is_plain(text: &str) -> bool {
    let begins = text.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    begins && plain && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_a_text_to_every_reader() {
        for (text, before, json, written) in [
            ("large", Some("small"), false, "large"),
            ("on", Some("off"), false, "\"on\""),
            ("10", None, false, "\"10\""),
            ("large", Some("\"small\""), false, "\"large\""),
            ("it's", Some("'x'"), false, "'it''s'"),
            ("large", None, true, "\"large\""),
        ] {
            assert_eq!(scalar(text, before, json), written);
        }
        assert_eq!(inline(&json!({"if": [true, {"a": 1}]})), r#"{"if": [true, {"a": 1}]}"#);
    }
}
