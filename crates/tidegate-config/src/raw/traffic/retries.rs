//! `retries`: what is sent again where that is safe.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Retries;

use crate::findings::Findings;
use crate::raw::flag::Flag;
use crate::raw::percent::Percent;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::whole::Whole;
use crate::tree::Value;

record! { replaced
    /// What is sent again where that is safe: idempotent requests of which nothing was sent to the client yet.
    #[schemars(rename = "Retries")]
    RawRetriesMap is "`retries`" {
        /// At most this many besides the first. Default 1.
        attempts: Whole<0, 10>,
        /// Most repeats, of all requests of the last seconds. Default 20%.
        budget: Percent<0>,
        /// Whether answers 502, 503 and 504 are repeated too, not just broken connections.
        on_5xx: Flag,
    }
}

/// A number of attempts, or a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawRetries(pub(crate) Retries);

const DEFAULT: Retries = Retries { attempts: 1, budget: 20, on_5xx: false };

impl Read for RawRetries {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if matches!(place.node.value, Value::Number(_)) {
            let Whole(attempts) = Whole::<0, 10>::read(place, findings)?;
            return Some(RawRetries(Retries { attempts, ..DEFAULT }));
        }
        let map = RawRetriesMap::read(place, findings)?;
        Some(RawRetries(Retries {
            attempts: map.attempts.value().map_or(DEFAULT.attempts, |attempts| attempts.0),
            budget: map.budget.value().map_or(DEFAULT.budget, |budget| budget.0),
            on_5xx: map.on_5xx.value().is_some_and(|flag| flag.0),
        }))
    }
}

impl JsonSchema for RawRetries {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetriesForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<Whole<0, 10>>();
        let map = generator.subschema_for::<RawRetriesMap>();
        json_schema!({ "anyOf": [number, map] })
    }
}
