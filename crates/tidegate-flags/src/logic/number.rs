//! Numbers as JavaScript reads and writes them.

use serde_json::{Number, Value};

/// Whole numbers up to here are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `String(n)`.
pub(super) fn to_text(n: f64) -> String {
    let size = n.abs();
    if n.is_nan() {
        "NaN".to_owned()
    } else if n.is_infinite() {
        if n > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        n.to_string()
    } else {
        let text = format!("{n:e}");
        if size >= 1e21 { text.replace('e', "e+") } else { text }
    }
}

/// `Number(text)`: NaN for what is no number.
pub(super) fn of_text(text: &str) -> f64 {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let radix = match text.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return of_decimal(text),
    };
    let digits = &text[2..];
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return f64::NAN;
    }
    digits
        .chars()
        .filter_map(|c| c.to_digit(radix))
        .fold(0.0, |n, digit| n * f64::from(radix) + f64::from(digit))
}

fn of_decimal(text: &str) -> f64 {
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// Whole numbers as such, so that `2` does not come back as `2.0`.
pub(super) fn to_json(n: f64) -> Value {
    if n.fract() == 0.0 && n.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation)] // whole and in range: checked above
        return Value::from(n as i64);
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (5.0, "5"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (1e-6, "0.000001"),
        ];
        for (n, text) in cases {
            assert_eq!(to_text(n), text);
        }
    }

    #[test]
    fn text_is_read_as_javascript_does() {
        for (text, n) in
            [("", 0.0), (" 5 ", 5.0), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("0x1F", 31.0), ("+2", 2.0)]
        {
            assert_eq!(of_text(text), n, "{text}");
        }
        for text in ["abc", "5a", "nan", "inf", "0x", "1_000", "--5", "é5"] {
            assert!(of_text(text).is_nan(), "{text}");
        }
    }
}
