//! What a plain scalar means by the core schema of YAML 1.2.

use super::Value;

/// The value of a scalar without quotes. `yes`, `no`, `on` and `off` are texts, as YAML 1.2 has it.
pub(super) fn resolve_plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Value::Bool(text),
        _ if is_number(&text) => Value::Number(text),
        _ => Value::Text(text),
    }
}

fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let begins_as_number = unsigned.bytes().find(|b| *b != b'.').is_some_and(|b| b.is_ascii_digit());
    begins_as_number
        && unsigned.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && parses(unsigned)
}

fn parses(unsigned: &str) -> bool {
    unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        let kind = |text: &str| resolve_plain(text.to_owned()).kind();
        for text in ["0", "-7", "+3", "1.5", ".5", "1e3", "0x1F", "0o17", ".inf", "-.inf", ".nan", "0755"] {
            assert_eq!(kind(text), "a number", "{text}");
        }
        for text in
            ["yes", "on", "1.2.3", "30s", "-", "+", ".", "e3", "0x", "inf", "nan", "1_000", "256MiB", "..5"]
        {
            assert_eq!(kind(text), "a text", "{text}");
        }
        assert_eq!(kind("True"), "a boolean");
        assert_eq!(kind("~"), "nothing");
    }
}
