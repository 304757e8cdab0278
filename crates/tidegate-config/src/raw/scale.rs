//! How many instances a service has.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::later::Later;
use super::read::{Place, Read};
use super::record::record;
use super::whole::Whole;
use crate::findings::Findings;
use crate::tree::Value;

record! { merged
    /// Between how many instances a service has.
    #[schemars(rename = "ScaleRange")]
    RawScaleRange is "`scale`" {
        /// At least this many instances, and the number that runs while nothing scales the service. Default 1.
        min: Whole<0, 100>,
        /// At most this many instances. Default: `min`.
        max: Whole<1, 100>,
        /// Requests per second and instance to aim at. Not used by this version yet.
        rps: Later,
        /// CPU use per instance to aim at. Not used by this version yet.
        cpu: Later,
        /// Latency to aim at. Not used by this version yet.
        latency: Later,
        /// Length of a queue per instance to aim at. Not used by this version yet.
        queue: Later,
        /// Scaling by time of day. Not used by this version yet.
        schedule: Later,
    }
}

/// A number, or bounds.
#[derive(Clone, Debug)]
pub(crate) enum RawScale {
    Number(u32),
    Range(Box<RawScaleRange>),
}

impl Read for RawScale {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Map(_) => RawScaleRange::read(place, findings).map(Box::new).map(RawScale::Range),
            Value::Number(_) => {
                Whole::<0, 100>::read(place, findings).map(|number| RawScale::Number(number.0))
            }
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Reported => {
                place.report_type("a whole number or a map with `min` and `max`", findings);
                None
            }
        }
    }

    fn overlaid(&self, over: &Self) -> Self {
        match (self, over) {
            (RawScale::Range(base), RawScale::Range(over)) => RawScale::Range(Box::new(base.overlaid(over))),
            _ => over.clone(),
        }
    }
}

impl JsonSchema for RawScale {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scale".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<Whole<0, 100>>();
        let range = generator.subschema_for::<RawScaleRange>();
        json_schema!({ "anyOf": [number, range] })
    }
}
