//! Durations within bounds.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::time::{DurationError, Millis};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

/// A second, in the unit of the bounds.
pub(super) const SECOND: u64 = 1_000;
/// An hour.
pub(super) const HOUR: u64 = 3_600 * SECOND;
/// A day.
pub(super) const DAY: u64 = 24 * HOUR;

/// A duration of at least `MIN` and at most `MAX` milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lasting<const MIN: u64, const MAX: u64>(pub(crate) Millis);

impl<const MIN: u64, const MAX: u64> Read for Lasting<MIN, MAX> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = match &place.node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a duration like `30s`", findings);
                return None;
            }
        };
        match text.parse::<Millis>() {
            Ok(Millis(span)) if (MIN..=MAX).contains(&span) => Some(Lasting(Millis(span))),
            Ok(_) | Err(DurationError::TooLong(_)) => {
                findings.push(out_of_range(MIN, MAX, place));
                None
            }
            Err(DurationError::Shape(_)) => {
                findings.push(bad_duration(text, place));
                None
            }
        }
    }
}

fn out_of_range(min: u64, max: u64, place: &Place<'_>) -> Diagnostic {
    let message = format!("{} is to be {} to {}", place.subject, Millis(min), Millis(max));
    Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, "out of range")
}

fn bad_duration(text: &str, place: &Place<'_>) -> Diagnostic {
    let help = match text.parse::<u32>() {
        Ok(number) => format!("add the unit: `{number}s` or `{number}ms`"),
        Err(_) => {
            "write a whole number and a unit without a space: `250ms`, `30s`, `5m`, `2h`, `1d`".to_owned()
        }
    };
    Diagnostic::error(codes::BAD_DURATION, format!("{} is not a duration", quote(text)))
        .at(place.node.span, "not a duration")
        .help(help)
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Lasting<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" })
    }
}
