//! Shares, like `20%`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

/// A whole number of percent from `MIN` to 100.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent<const MIN: u32>(pub(crate) u32);

impl<const MIN: u32> Read for Percent<MIN> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = match &place.node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a share like `20%`", findings);
                return None;
            }
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let problem = match text.strip_suffix('%').filter(|number| digits(number)) {
            Some(number) => match number.parse::<u32>() {
                Ok(number) if (MIN..=100).contains(&number) => return Some(Percent(number)),
                Ok(_) | Err(_) => {
                    let message = format!("{} is to be {MIN}% to 100%", place.subject);
                    Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, "out of range")
                }
            },
            None => Diagnostic::error(codes::BAD_PERCENT, format!("{} is not a share", quote(text)))
                .at(place.node.span, "not a share")
                .help(if digits(text) {
                    format!("add the sign: `{}%`", crate::quote::plain(text, 12))
                } else {
                    "write a whole number of percent without a space: `20%`".to_owned()
                }),
        };
        findings.push(problem);
        None
    }
}

impl<const MIN: u32> JsonSchema for Percent<MIN> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,3}%$" })
    }
}
