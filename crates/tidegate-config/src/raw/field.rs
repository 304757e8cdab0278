//! A key that may be absent, broken or there.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::read::Read;
use crate::span::Spanned;

/// The value of a key.
#[derive(Clone, Debug, Default)]
pub(crate) enum Field<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// The key is there and its value is wrong, which has been reported.
    Broken,
    /// The key is there.
    Present(Spanned<T>),
}

impl<T> Field<T> {
    pub(crate) fn get(&self) -> Option<&Spanned<T>> {
        match self {
            Field::Present(spanned) => Some(spanned),
            Field::Absent | Field::Broken => None,
        }
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.get().map(|spanned| &spanned.value)
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }
}

impl<T: Read> Field<T> {
    /// This field with an environment's over it.
    pub(crate) fn overlaid(&self, over: &Field<T>) -> Field<T> {
        match (self, over) {
            (_, Field::Absent) => self.clone(),
            (Field::Present(base), Field::Present(over)) => {
                let value = base.value.overlaid(&over.value);
                Field::Present(Spanned { value, span: over.span, key: over.key })
            }
            _ => over.clone(),
        }
    }
}

/// In the schema a field is its value; whether it must be there is said by the record.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}
