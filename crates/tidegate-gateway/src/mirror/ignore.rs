//! Places in JSON bodies that are not compared: `time`, `items.*.id`, `**.trace`.

use serde_json::Value;
use tidegate_core::model::Compare;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Vec<Key>>);

/// One step on the way to a place.
#[derive(Debug)]
enum Key {
    /// The member of this name, or the item of this number.
    Named(String),
    /// Any one.
    Any,
    /// Any number of them.
    Deep,
}

impl Ignore {
    pub(super) fn compile(places: &[String]) -> Ignore {
        let keys = |place: &String| {
            let keys = Compare::keys(place)?;
            Some(keys.into_iter().map(Key::of).collect())
        };
        Ignore(places.iter().take(Compare::MOST).filter_map(keys).collect())
    }

    /// Takes the places out.
    pub(super) fn strip(&self, value: &mut Value) {
        self.0.iter().for_each(|keys| strip(value, keys));
    }
}

impl Key {
    fn of(text: &str) -> Key {
        match text {
            Compare::ANY => Key::Any,
            Compare::DEEP => Key::Deep,
            name => Key::Named(name.to_owned()),
        }
    }
}

/// As deep as the value is, which its reader bounds.
fn strip(value: &mut Value, keys: &[Key]) {
    let Some((first, rest)) = keys.split_first() else { return };
    match first {
        Key::Deep => {
            strip(value, rest);
            children(value).for_each(|child| strip(child, keys));
        }
        Key::Any if rest.is_empty() => clear(value),
        Key::Any => children(value).for_each(|child| strip(child, rest)),
        Key::Named(name) if rest.is_empty() => remove(value, name),
        Key::Named(name) => {
            if let Some(child) = child(value, name) {
                strip(child, rest);
            }
        }
    }
}

fn children(value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(members) => Box::new(members.values_mut()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Box::new(std::iter::empty()),
    }
}

fn child<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        Value::Object(members) => members.get_mut(name),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn clear(value: &mut Value) {
    match value {
        Value::Array(items) => items.clear(),
        Value::Object(members) => members.clear(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Items keep their numbers.
fn remove(value: &mut Value, name: &str) {
    if let Value::Object(members) = value {
        members.shift_remove(name);
    } else if let Some(item) = child(value, name) {
        *item = Value::Null;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stripped(places: &[&str], mut value: Value) -> Value {
        let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
        Ignore::compile(&places).strip(&mut value);
        value
    }

    #[test]
    fn places_are_taken_out_and_nothing_else_is() {
        let value =
            json!({"at": 1, "items": [{"id": 1, "n": 2}, {"id": 3, "n": 4}], "meta": {"at": 5, "x": 6}});
        assert_eq!(
            stripped(&["at", "items.*.id", "none.at.all"], value.clone()),
            json!({"items": [{"n": 2}, {"n": 4}], "meta": {"at": 5, "x": 6}})
        );
        assert_eq!(
            stripped(&["**.at", "items.1"], value.clone()),
            json!({"items": [{"id": 1, "n": 2}, null], "meta": {"x": 6}})
        );
        assert_eq!(stripped(&["items.*", "meta.*"], value), json!({"at": 1, "items": [], "meta": {}}));
    }

    #[test]
    fn what_is_no_place_is_left_out() {
        assert_eq!(stripped(&["", "a.**", "**.a.**.b"], json!({"a": {"b": 1}})), json!({"a": {"b": 1}}));
    }
}
