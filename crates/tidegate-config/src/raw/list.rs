//! Lists, and maps whose keys are names the user chose.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Name;

use super::field::Field;
use super::fields::read_entry;
use super::name;
use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::span::{Span, Spanned};
use crate::tree::Value;

/// A list of at most 500.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOf<T>(pub(crate) Vec<Spanned<T>>);

/// A map from names to values, at most 100.
#[derive(Clone, Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<NamedEntry<T>>);

/// One of them. A broken one is still there by its name, so that nothing else complains that it is missing.
#[derive(Clone, Debug)]
pub(crate) struct NamedEntry<T> {
    pub(crate) name: Name,
    pub(crate) key: Span,
    pub(crate) value: Field<T>,
}

const MOST_ITEMS: usize = 500;
const MOST_NAMES: usize = 100;

impl<T: Read> Read for ListOf<T> {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let items = match &place.node.value {
            Value::List(items) => items.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a list", findings);
                return None;
            }
        };
        if items.len() > MOST_ITEMS {
            findings.push(too_many(place, items.len(), MOST_ITEMS));
            return None;
        }
        let mut list = Vec::new();
        for node in items {
            let item = Place { node, key: node.span, subject: format!("an item of {}", place.subject) };
            if let Some(value) = T::read(&item, findings) {
                list.push(Spanned { value, span: node.span, key: node.span });
            }
        }
        Some(ListOf(list))
    }
}

impl<T: Read> Read for Named<T> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Map(entries) = &place.node.value else {
            if !matches!(place.node.value, Value::Reported) {
                let help = "write each name as a key with what belongs to it below";
                findings.push(place.wrong_type("a map from names").help(help));
            }
            return None;
        };
        if entries.len() > MOST_NAMES {
            findings.push(too_many(place, entries.len(), MOST_NAMES));
            return None;
        }
        let mut named = Vec::new();
        for entry in entries {
            let name = name::read_key(&entry.key, findings);
            let value = read_entry(entry, findings);
            if let Some(name) = name {
                named.push(NamedEntry { name, key: entry.key.span, value });
            }
        }
        // Names that were all refused are not the same as no names.
        (entries.is_empty() || !named.is_empty()).then_some(Named(named))
    }
}

impl<T> Named<T> {
    pub(crate) fn find(&self, name: &Name) -> Option<&NamedEntry<T>> {
        self.0.iter().find(|entry| entry.name == *name)
    }
}

fn too_many(place: &Place<'_>, count: usize, most: usize) -> Diagnostic {
    let message = format!("{} has {count} entries, and at most {most} are allowed", place.subject);
    Diagnostic::error(codes::TOO_MANY, message).at(place.key, "").help("split the app into several")
}

impl<T: JsonSchema> JsonSchema for ListOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({ "type": ["array", "null"], "items": items, "maxItems": MOST_ITEMS })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": name::PATTERN, "not": { "enum": name::YAML_1_1_WORDS } },
            "additionalProperties": values,
            "maxProperties": MOST_NAMES
        })
    }
}
