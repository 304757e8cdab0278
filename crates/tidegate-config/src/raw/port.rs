//! The port of a service.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::PortSpec;

use super::read::{Place, Read};
use super::whole::within;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::quote;
use crate::tree::Value;

/// `auto`, `none` or a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port(pub(crate) PortSpec);

impl Read for Port {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Number(text) => {
                let number = within(text, 1, u32::from(u16::MAX), place, findings)?;
                u16::try_from(number).ok().map(|number| Port(PortSpec::Fixed(number)))
            }
            Value::Text(text) => match text.as_str() {
                "auto" => Some(Port(PortSpec::Auto)),
                "none" => Some(Port(PortSpec::None)),
                _ => {
                    findings.push(bad_port(text, place));
                    None
                }
            },
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("`auto`, `none` or a number", findings);
                None
            }
        }
    }
}

fn bad_port(text: &str, place: &Place<'_>) -> Diagnostic {
    let meant = did_you_mean(text, ["auto", "none"]);
    Diagnostic::error(codes::BAD_CHOICE, format!("{} is not a port{meant}", quote(text)))
        .at(place.node.span, "not a port")
        .help("`auto` gives a free one in $PORT, `none` is for workers, a number from 1 to 65535 is fixed (no quotes)")
}

impl JsonSchema for Port {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["auto", "none"] },
            { "type": "integer", "minimum": 1, "maximum": 65535 }
        ] })
    }
}
