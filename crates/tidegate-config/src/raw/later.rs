//! Keys of later versions: accepted as they are, with a warning.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;

/// A value nothing reads yet.
#[derive(Clone, Debug)]
pub(crate) struct Later;

impl Read for Later {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        findings.push(not_used_yet(&place.subject, place.key));
        Some(Later)
    }
}

/// The warning that a key does nothing yet.
pub(crate) fn not_used_yet(subject: &str, key: crate::span::Span) -> Diagnostic {
    Diagnostic::warning(codes::NOT_USED_YET, format!("{subject} is not used by this version yet"))
        .at(key, "has no effect")
}

impl JsonSchema for Later {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Later".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "array", "object"] })
    }
}
