//! `breaker`: refuses at once while nearly everything fails.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Breaker;
use tidegate_core::time::Millis;

use crate::findings::Findings;
use crate::raw::percent::Percent;
use crate::raw::probe::True;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::time::{HOUR, Lasting, SECOND};
use crate::raw::whole::Whole;
use crate::tree::Value;

record! { replaced
    /// Refuses requests to an arm at once while nearly all of them fail.
    #[schemars(rename = "Breaker")]
    RawBreakerMap is "`breaker`" {
        /// Opens when this share of the last `window` failed … Default 50%.
        failures: Percent<1>,
        /// … and at least this many requests came. Default 20.
        min_requests: Whole<1, 1_000_000>,
        /// What is looked at. Default 10s.
        window: Lasting<SECOND, { HOUR / 6 }>,
        /// How long it stays open before one request may try. Default 5s.
        open: Lasting<SECOND, HOUR>,
    }
}

/// `true`, or a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawBreaker(pub(crate) Breaker);

const DEFAULT: Breaker =
    Breaker { failures: 50, min_requests: 20, window: Millis::seconds(10), open: Millis::seconds(5) };

impl Read for RawBreaker {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if matches!(place.node.value, Value::Bool(_)) {
            return True::read(place, findings).map(|True| RawBreaker(DEFAULT));
        }
        let map = RawBreakerMap::read(place, findings)?;
        Some(RawBreaker(Breaker {
            failures: map.failures.value().map_or(DEFAULT.failures, |share| share.0),
            min_requests: map.min_requests.value().map_or(DEFAULT.min_requests, |count| count.0),
            window: map.window.value().map_or(DEFAULT.window, |window| window.0),
            open: map.open.value().map_or(DEFAULT.open, |open| open.0),
        }))
    }
}

impl JsonSchema for RawBreaker {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BreakerForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawBreakerMap>();
        json_schema!({ "anyOf": [{ "type": "boolean", "const": true }, map] })
    }
}
