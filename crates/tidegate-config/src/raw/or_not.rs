//! Settings that can be taken back: `false` says that there is none, whatever the app says.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::findings::Findings;
use crate::tree::Value;

/// A setting, or `false` for none.
#[derive(Clone, Debug)]
pub(crate) struct OrNot<T>(pub(crate) Option<T>);

impl<T: Read> Read for OrNot<T> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Bool(word) if word.eq_ignore_ascii_case("false") => Some(OrNot(None)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Reported => T::read(place, findings).map(Some).map(OrNot),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OrNot<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OrNot{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "boolean", "const": false }, value] })
    }
}
