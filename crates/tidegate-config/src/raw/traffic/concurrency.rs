//! `concurrency`: most requests at once, and where the others wait.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Concurrency;
use tidegate_core::time::Millis;

use crate::findings::Findings;
use crate::raw::fields::required;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::time::{HOUR, Lasting};
use crate::raw::whole::Whole;
use crate::tree::Value;

const MOST: u32 = 1_000_000;

record! { replaced
    /// Most requests at once, and where the others wait.
    #[schemars(rename = "Concurrency", extend("required" = ["per_instance"]))]
    RawConcurrencyMap is "`concurrency`" {
        /// In flight on one instance.
        per_instance: Whole<1, MOST>,
        /// So many wait, over all instances; one more is answered with 503. Default 100.
        queue: Whole<0, MOST>,
        /// Longest wait; 503 after it. Default 5s.
        wait: Lasting<1, { HOUR / 6 }>,
    }
}

/// A number for one instance, or a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawConcurrency(pub(crate) Concurrency);

const QUEUE: u32 = 100;
const WAIT: Millis = Millis::seconds(5);

impl Read for RawConcurrency {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if matches!(place.node.value, Value::Number(_)) {
            let Whole(per_instance) = Whole::<1, MOST>::read(place, findings)?;
            return Some(RawConcurrency(Concurrency { per_instance, queue: QUEUE, queue_timeout: WAIT }));
        }
        let map = RawConcurrencyMap::read(place, findings)?;
        Some(RawConcurrency(Concurrency {
            per_instance: required(&map.per_instance, "per_instance", place, findings)?.0,
            queue: map.queue.value().map_or(QUEUE, |queue| queue.0),
            queue_timeout: map.wait.value().map_or(WAIT, |wait| wait.0),
        }))
    }
}

impl JsonSchema for RawConcurrency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ConcurrencyForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<Whole<1, MOST>>();
        let map = generator.subschema_for::<RawConcurrencyMap>();
        json_schema!({ "anyOf": [number, map] })
    }
}
