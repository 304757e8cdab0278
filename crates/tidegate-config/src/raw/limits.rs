//! What an instance may use.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::units::MilliCpu;

use super::read::{Place, Read};
use super::record::record;
use super::size::{MIB, Size, TIB_16};
use super::whole::Whole;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::Value;

record! { merged
    /// What one instance may use.
    #[schemars(rename = "Limits")]
    RawLimits is "`limits`" {
        /// Memory, like `256MiB` or `2GiB`. An instance that needs more is ended by the kernel.
        memory: Size<MIB, TIB_16>,
        /// CPUs, like `1` or `0.5`.
        cpu: Cpu,
        /// Processes and threads.
        pids: Whole<1, 1_000_000>,
        /// What it may write to the disk, like `2GiB`. An instance that writes more is ended.
        disk: Size<MIB, TIB_16>,
    }
}

/// CPUs from 0.01 to 1024.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu(pub(crate) MilliCpu);

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
