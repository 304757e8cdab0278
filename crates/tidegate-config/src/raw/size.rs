//! Sizes within bounds.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::units::ByteSize;

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

/// 16 TiB, in the unit of the bounds.
pub(super) const TIB_16: u64 = 1 << 44;
/// 1 MiB.
pub(super) const MIB: u64 = 1 << 20;

/// A size of at least `MIN` and at most `MAX` bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size<const MIN: u64, const MAX: u64>(pub(crate) ByteSize);

impl<const MIN: u64, const MAX: u64> Read for Size<MIN, MAX> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = match &place.node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a size like `256MiB`", findings);
                return None;
            }
        };
        let problem = match text.parse::<ByteSize>() {
            Ok(size) if (MIN..=MAX).contains(&size.0) => return Some(Size(size)),
            Ok(_) => out_of_range(MIN, MAX, place),
            Err(_) => Diagnostic::error(codes::BAD_SIZE, format!("{} is not a size", quote(text)))
                .at(place.node.span, "not a size")
                .help(size_advice(text)),
        };
        findings.push(problem);
        None
    }
}

fn out_of_range(min: u64, max: u64, place: &Place<'_>) -> Diagnostic {
    let message = format!("{} is to be {} to {}", place.subject, ByteSize(min), ByteSize(max));
    Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, "out of range")
}

/// What was meant by another spelling of a size.
fn size_advice(text: &str) -> String {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(9).collect();
    let unit = text[digits.len()..].trim().to_ascii_lowercase();
    let meant = match unit.as_str() {
        "k" | "kb" | "ki" | "kib" => "KiB",
        "m" | "mb" | "mi" | "mib" => "MiB",
        "g" | "gb" | "gi" | "gib" => "GiB",
        _ => "",
    };
    if digits.is_empty() || meant.is_empty() {
        "write a whole number and a unit without a space: `512KiB`, `256MiB`, `2GiB`".to_owned()
    } else {
        format!("units are powers of 1024: write `{digits}{meant}`")
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Size<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" })
    }
}
