//! Two JSON bodies: where they differ, whatever the order of their members and the space between them. Of what they hold
//! only the names of members are told.

use serde_json::Value;

use super::ignore::Ignore;

/// At most so many places are told.
const MOST: usize = 3;
/// Most characters of the name of a member.
const LONGEST: usize = 64;

/// The places at which they differ, none where they are the same; `None`: at least one of them is no JSON.
pub(super) fn differing(one: &[u8], other: &[u8], ignore: &Ignore) -> Option<Vec<String>> {
    let read = |body: &[u8]| {
        let mut value: Value = serde_json::from_slice(body).ok()?;
        ignore.strip(&mut value);
        Some(value)
    };
    let (one, other) = (read(one)?, read(other)?);
    let mut found = Vec::new();
    compare(&one, &other, "body", &mut found);
    Some(found)
}

fn compare(one: &Value, other: &Value, place: &str, found: &mut Vec<String>) {
    if found.len() == MOST {
        return;
    }
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let added = other.keys().filter(|name| !one.contains_key(*name));
            for name in one.keys().chain(added) {
                let (one, other) = (one.get(name), other.get(name));
                let below = format!("{place}.{}", name.chars().take(LONGEST).collect::<String>());
                match (one, other) {
                    (Some(one), Some(other)) => compare(one, other, &below, found),
                    (_, _) => tell(&below, found),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let below = format!("{place}.*");
            one.iter().zip(other).for_each(|(one, other)| compare(one, other, &below, found));
        }
        (one, other) if one == other => {}
        (_, _) => tell(place, found),
    }
}

fn tell(place: &str, found: &mut Vec<String>) {
    if found.len() < MOST && !found.iter().any(|known| known == place) {
        found.push(place.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(one: &str, other: &str) -> Option<Vec<String>> {
        differing(one.as_bytes(), other.as_bytes(), &Ignore::compile(&["at".to_owned()]))
    }

    #[test]
    fn order_and_space_say_nothing() {
        assert_eq!(found(r#"{"a":1,"b":[1,2]}"#, "{ \"b\": [1, 2],\n \"a\": 1, \"at\": 9 }"), Some(vec![]));
    }

    #[test]
    fn places_are_told_and_no_values() {
        let one = r#"{"a":{"b":1},"items":[{"n":1},{"n":2}],"gone":1,"at":1}"#;
        let other = r#"{"a":{"b":"secret"},"items":[{"n":5},{"n":6}],"new":1,"at":2}"#;
        assert_eq!(found(one, other).unwrap(), ["body.a.b", "body.items.*.n", "body.gone"]);
        assert_eq!(found("[1]", "[1,2]").unwrap(), ["body"]);
    }

    #[test]
    fn what_is_no_json_is_compared_otherwise() {
        assert_eq!(found("{}", "<html>"), None);
        let deep = "[".repeat(100_000);
        assert_eq!(found(&deep, &deep), None);
    }
}
