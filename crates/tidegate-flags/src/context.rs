//! Who asks for a flag: the evaluation context of OpenFeature.

use serde_json::Value;

use crate::Map;
use crate::resolution::{ErrorCode, Failure};

/// What a context may have at most; its size in bytes is limited by who reads it.
const MOST_VALUES: usize = 100_000;
const DEEPEST: usize = 32;
/// Up to so many attributes are looked at one after the other.
const FEW: usize = 16;

/// The attributes of who asks, by name; `targetingKey` names the one who is drawn in a rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// In order of their names: few, so that looking at each is quicker than a map.
    values: Box<[(Box<str>, Value)]>,
}

/// Why a context is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Objects and lists within each other.
    #[error("the context is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// Attributes and all that is in them.
    #[error("the context has more than {MOST_VALUES} values")]
    TooLarge,
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self { code: ErrorCode::InvalidContext, details: error.to_string(), metadata: Map::new() }
    }
}

impl Context {
    /// A context of these attributes.
    pub fn new(values: Map) -> Result<Self, ContextError> {
        let mut left = MOST_VALUES;
        values.values().try_for_each(|value| measure(value, DEEPEST - 1, &mut left))?;
        let mut values: Vec<(Box<str>, Value)> =
            values.into_iter().map(|(name, value)| (name.into(), value)).collect();
        // As they are looked for: a map of JSON need not have them in the order of their names.
        values.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { values: values.into() })
    }

    /// Nobody in particular.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Who is drawn in a rollout, if the context says so in text.
    pub fn targeting_key(&self) -> Option<&str> {
        self.get("targetingKey").and_then(Value::as_str)
    }

    /// One attribute.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Value> {
        if self.values.len() <= FEW {
            return self.values.iter().find(|(attribute, _)| **attribute == *name).map(|(_, value)| value);
        }
        let place = self.values.binary_search_by(|(attribute, _)| (**attribute).cmp(name));
        place.ok().map(|place| &self.values[place].1)
    }
}

fn measure(value: &Value, levels: usize, left: &mut usize) -> Result<(), ContextError> {
    *left = left.checked_sub(1).ok_or(ContextError::TooLarge)?;
    let deeper = || levels.checked_sub(1).ok_or(ContextError::TooDeep);
    match value {
        Value::Array(items) => {
            let levels = deeper()?;
            items.iter().try_for_each(|item| measure(item, levels, left))
        }
        Value::Object(members) => {
            let levels = deeper()?;
            members.values().try_for_each(|member| measure(member, levels, left))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context(value: Value) -> Result<Context, ContextError> {
        let Value::Object(values) = value else { panic!("no object: {value}") };
        Context::new(values)
    }

    #[test]
    fn the_targeting_key_is_text_or_nothing() {
        assert_eq!(context(json!({"targetingKey": "u1"})).unwrap().targeting_key(), Some("u1"));
        assert_eq!(context(json!({"targetingKey": 1})).unwrap().targeting_key(), None);
        assert_eq!(Context::empty().targeting_key(), None);
    }

    #[test]
    fn attributes_are_found_among_few_and_many() {
        for count in [1, FEW, FEW + 1, 100] {
            let values: Map = (0..count).map(|n| (format!("a{n}"), json!(n))).collect();
            let context = Context::new(values).unwrap();
            assert!((0..count).all(|n| context.get(&format!("a{n}")) == Some(&json!(n))));
            assert_eq!(context.get("a"), None);
        }
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |levels| (1..levels).fold(json!([]), |inside, _| json!([inside]));
        assert!(context(json!({"a": nested(31)})).is_ok());
        assert_eq!(context(json!({"a": nested(32)})), Err(ContextError::TooDeep));
        assert_eq!(context(json!({"a": vec![0; MOST_VALUES]})), Err(ContextError::TooLarge));
    }
}
