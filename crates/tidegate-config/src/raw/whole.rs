//! Whole numbers within bounds.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::Value;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Read for Whole<MIN, MAX> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Number(text) => within(text, MIN, MAX, place, findings).map(Whole),
            Value::Text(text) if text.parse::<i64>().is_ok() => {
                findings.push(place.wrong_type("a whole number").help("remove the quotes"));
                None
            }
            Value::Null
            | Value::Bool(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Reported => {
                place.report_type("a whole number", findings);
                None
            }
        }
    }
}

/// The number, where it is a whole one within the bounds; anything else is reported.
pub(super) fn within(
    text: &str,
    min: u32,
    max: u32,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<u32> {
    let number = text.parse::<i128>().ok();
    if let Some(number) = number.filter(|number| (i128::from(min)..=i128::from(max)).contains(number)) {
        return u32::try_from(number).ok();
    }
    let message = format!("{} is to be a whole number from {min} to {max}", place.subject);
    let label = if number.is_some() { "out of range" } else { "not a whole number" };
    findings.push(Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, label));
    None
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}
