//! What an instance may use.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::units::{ByteSize, MilliCpu};

use super::read::{Place, Read};
use super::record::record;
use super::whole::Whole;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

record! { merged
    /// What one instance may use.
    #[schemars(rename = "Limits")]
    RawLimits is "`limits`" {
        /// Memory, like `256MiB` or `2GiB`. An instance that needs more is ended by the kernel.
        memory: Memory,
        /// CPUs, like `1` or `0.5`.
        cpu: Cpu,
        /// Processes and threads.
        pids: Whole<1, 1_000_000>,
    }
}

/// A size from 1 MiB to 16 TiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory(pub(crate) ByteSize);

/// CPUs from 0.01 to 1024.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu(pub(crate) MilliCpu);

const LEAST_MEMORY: u64 = 1 << 20;
const MOST_MEMORY: u64 = 1 << 44;

impl Read for Memory {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = match &place.node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a size like `256MiB`", findings);
                return None;
            }
        };
        let problem = match text.parse::<ByteSize>() {
            Ok(size) if (LEAST_MEMORY..=MOST_MEMORY).contains(&size.0) => return Some(Memory(size)),
            Ok(_) => {
                Diagnostic::error(codes::OUT_OF_RANGE, format!("{} is to be 1MiB to 16384GiB", place.subject))
                    .at(place.node.span, "out of range")
            }
            Err(_) => Diagnostic::error(codes::BAD_SIZE, format!("{} is not a size", quote(text)))
                .at(place.node.span, "not a size")
                .help(size_advice(text)),
        };
        findings.push(problem);
        None
    }
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

impl Read for Cpu {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Number(text) = &place.node.value else {
            place.report_type("a number of CPUs like `1` or `0.5`", findings);
            return None;
        };
        let thousandths = text.parse::<f64>().ok().map(|cpus| (cpus * 1_000.0).round());
        match thousandths.filter(|cpus| (10.0..=1_024_000.0).contains(cpus)) {
            // In range, so the conversion is exact.
            Some(cpus) => Some(Cpu(MilliCpu(cpus as u32))),
            None => {
                let message = format!("{} is to be 0.01 to 1024", place.subject);
                findings.push(
                    Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, "out of range"),
                );
                None
            }
        }
    }
}

impl JsonSchema for Memory {
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

impl JsonSchema for Cpu {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cpu".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0.01, "maximum": 1024 })
    }
}
