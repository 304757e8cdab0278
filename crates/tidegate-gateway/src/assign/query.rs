//! Query parameters as forms write them: `+` is a space and `%41` is `A`. Compared as they are read; nothing is copied.

/// Whether a query has the parameter; with `value`: this one, decoded.
pub(crate) fn has(query: &str, name: &str, value: Option<&str>) -> bool {
    query.split('&').any(|pair| {
        let (key, said) = pair.split_once('=').unwrap_or((pair, ""));
        decoded(key).eq(name.bytes()) && value.is_none_or(|value| decoded(said).eq(value.bytes()))
    })
}

/// The bytes of one name or value. What is no escape stands for itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', &rest[1..]),
            },
            [b'+', after @ ..] => (b' ', after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    // A digit of base 16 fits a byte.
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::has;

    #[test]
    fn parameters_are_found_by_name_and_value() {
        let query = "a=1&preview&name=J%C3%BCrgen+K%21&b=%zz&a=2";
        assert!(has(query, "a", Some("1")) && has(query, "a", Some("2")) && has(query, "a", None));
        assert!(has(query, "preview", None) && has(query, "preview", Some("")));
        assert!(has(query, "name", Some("Jürgen K!")));
        assert!(has(query, "b", Some("%zz")));
        assert!(!has(query, "a", Some("3")) && !has(query, "A", None) && !has(query, "revie", None));
        assert!(!has("", "a", None));
    }
}
