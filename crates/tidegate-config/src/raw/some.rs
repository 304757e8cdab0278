//! One value, or a list of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::list::ListOf;
use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::span::Spanned;
use crate::tree::Value;

/// At least one, at most 500.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMore<T>(pub(crate) Vec<Spanned<T>>);

impl<T: Clone> OneOrMore<T> {
    /// The values without their places.
    pub(super) fn values(&self) -> impl Iterator<Item = T> {
        self.0.iter().map(|item| item.value.clone())
    }
}

impl<T: Read> Read for OneOrMore<T> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if !matches!(place.node.value, Value::List(_)) {
            let value = T::read(place, findings)?;
            return Some(OneOrMore(vec![Spanned { value, span: place.node.span, key: place.key }]));
        }
        let ListOf(items) = ListOf::read(place, findings)?;
        if matches!(&place.node.value, Value::List(items) if items.is_empty()) {
            findings.push(
                Diagnostic::error(codes::NO_VALUE, format!("{} is an empty list", place.subject))
                    .at(place.node.span, "nothing in it")
                    .help("write what belongs in it, or remove the key"),
            );
            return None;
        }
        Some(OneOrMore(items))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("SomeOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1, "maxItems": 500 }] })
    }
}
