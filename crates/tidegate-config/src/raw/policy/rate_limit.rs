//! `rate_limit`: most requests of one client.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{ClientKey, RateLimit};
use tidegate_core::time::Millis;

use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::fields::required;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::{Rule, Text};
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::raw::whole::Whole;
use crate::tree::Value;

const MOST: u32 = 10_000_000;
const LONGEST: Millis = Millis(DAY);

record! { replaced
    /// Most requests of one client; one more is answered with 429.
    #[schemars(rename = "RateLimit", extend("required" = ["requests", "per"]))]
    RawRateLimitMap is "`rate_limit`" {
        /// So many requests …
        requests: Whole<1, MOST>,
        /// … in this time.
        per: Lasting<SECOND, DAY>,
        /// So many at once. Default: `requests`.
        burst: Whole<1, MOST>,
        /// What a client is: `address`, `header:NAME` or `cookie:NAME`. Default `address`.
        by: Text<ClientKey>,
    }
}

/// `100 per 1m`, or a map.
#[derive(Clone, Debug)]
pub(crate) struct RawRateLimit(pub(crate) RateLimit);

impl Rule for RateLimit {
    const WHAT: &'static str = "a rate";
    const CODE: Code = codes::BAD_RATE;
    const PATTERN: &'static str = "^[0-9]+ per [0-9]+(ms|s|m|h|d)$";

    fn parse(text: &str) -> Result<Self, String> {
        let shape = || "write a number and a time: `100 per 1m`; more than that goes into a map".to_owned();
        let words: Vec<&str> = text.split_whitespace().take(4).collect();
        let [requests, "per", per] = words[..] else { return Err(shape()) };
        let requests: u32 = requests.parse().map_err(|_| shape())?;
        let per: Millis = per.parse().map_err(|_| shape())?;
        if !(1..=MOST).contains(&requests) || !(Millis(SECOND)..=LONGEST).contains(&per) {
            return Err(format!("1 to {MOST} requests per {} to {LONGEST}", Millis(SECOND)));
        }
        Ok(RateLimit { requests, per, burst: requests, by: ClientKey::Address })
    }
}

impl Read for RawRateLimit {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(_) => Text::read(place, findings).map(|Text(rate)| RawRateLimit(rate)),
            Value::Map(_) => read_map(place, findings).map(RawRateLimit),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a rate like `100 per 1m` or a map", findings);
                None
            }
        }
    }
}

fn read_map(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<RateLimit> {
    let map = RawRateLimitMap::read(place, findings)?;
    let requests = required(&map.requests, "requests", place, findings);
    let per = required(&map.per, "per", place, findings);
    let requests = requests?.0;
    let limit = RateLimit {
        requests,
        per: per?.0,
        burst: map.burst.value().map_or(requests, |burst| burst.0),
        by: map.by.value().map_or(ClientKey::Address, |by| by.0.clone()),
    };
    if let Some(burst) = map.burst.get().filter(|_| fills_never(&limit)) {
        findings.push(
            Diagnostic::error(
                codes::OUT_OF_RANGE,
                "the bucket is so large that it would take centuries to fill",
            )
            .at(burst.span, "of this size")
            .help("lower `burst`, or raise `requests`"),
        );
    }
    Some(limit)
}

/// Whether filling an empty bucket takes more nanoseconds than the gateway counts.
fn fills_never(limit: &RateLimit) -> bool {
    let nanoseconds = u128::from(limit.per.0) * 1_000_000;
    nanoseconds / u128::from(limit.requests) * u128::from(limit.burst) > u128::from(u64::MAX)
}

impl JsonSchema for RawRateLimit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RateLimitForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawRateLimitMap>();
        json_schema!({ "anyOf": [{ "type": "string", "pattern": RateLimit::PATTERN }, map] })
    }
}
