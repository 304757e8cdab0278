//! How many instances a service has.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::command::Command;
use super::list::ListOf;
use super::percent::Percent;
use super::read::{Place, Read};
use super::record::record;
use super::schedule::{ClockTime, Days, TimeZone};
use super::time::{DAY, HOUR, Lasting, SECOND};
use super::whole::Whole;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

const MOST: u32 = 1_000_000;

record! { merged
    /// Between how many instances a service has, and what their number follows.
    #[schemars(rename = "ScaleRange")]
    RawScaleRange is "`scale`" {
        /// At least this many instances. Default 1.
        min: Whole<0, 100>,
        /// At most this many instances. Default: `min`, or 1 where that is 0 and `idle` is there.
        max: Whole<1, 100>,
        /// Requests per second and instance to aim at.
        rps: Whole<1, MOST>,
        /// Requests in flight per instance to aim at.
        concurrency: Whole<1, MOST>,
        /// CPU time per instance to aim at: of its limit or, where it has none, of one CPU.
        cpu: Percent<1>,
        /// What 95 of 100 requests should not take longer than.
        p95: Lasting<1, HOUR>,
        /// Length of a queue per instance to aim at.
        queue: RawQueue,
        /// Other bounds at some times of the week. The first that fits holds.
        schedule: ListOf<RawScheduled>,
        /// A higher number must be asked for so long. Default 10s.
        up_after: Lasting<0, HOUR>,
        /// A lower number must be asked for so long. Default 5m.
        down_after: Lasting<0, DAY>,
        /// With `min: 0`: after so long without a request the last instance stops. Default 10m.
        idle: Lasting<SECOND, { 30 * DAY }>,
        /// With `min: 0`: how long the gateway holds a request until an instance is ready; 503 after it. Default 60s.
        hold: Lasting<SECOND, { HOUR / 6 }>,
    }
}

record! { replaced
    /// A queue and how much of it one instance is to have: exactly one of `command` and `http`.
    #[schemars(
        rename = "ScaleQueue",
        extend("required" = ["target"], "oneOf" = [{ "required": ["command"] }, { "required": ["http"] }])
    )]
    RawQueue is "`queue`" {
        /// A command, run in the stable revision's build and environment, that prints the queue's length.
        command: Command,
        /// A URL whose answer begins with the queue's length. Plain `http://`.
        http: QueueUrl,
        /// Length per instance.
        target: Whole<1, MOST>,
        /// From one look to the next. Default 10s.
        every: Lasting<SECOND, HOUR>,
    }
}

record! { replaced
    /// Bounds at some times of the week.
    #[schemars(rename = "ScaleSchedule", extend("required" = ["from", "to"]))]
    RawScheduled is "a time of the week" {
        /// Days: `mon-fri`, `sat,sun`, `daily`. Default: `daily`.
        days: Days,
        /// From here: `"08:00"`.
        from: ClockTime,
        /// Until here; on the next day where it is not later than `from`.
        to: ClockTime,
        /// The time zone: `Europe/Berlin`. Default: `UTC`.
        timezone: TimeZone,
        /// At least this many instances meanwhile. Default: `min` of `scale`.
        min: Whole<0, 100>,
        /// At most this many instances meanwhile. Default: `max` of `scale`.
        max: Whole<1, 100>,
    }
}

/// Where a queue's length is asked for.
#[derive(Clone, Debug)]
pub(crate) struct QueueUrl(pub(crate) String);

impl Read for QueueUrl {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        let rest = text.strip_prefix("http://").unwrap_or_default();
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let clean = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['@', '#']);
        if !host.is_empty() && clean && text.len() <= 2_000 {
            return Some(QueueUrl(text.to_owned()));
        }
        let message = format!("{} is not the address of a queue's length", quote(text));
        findings.push(
            Diagnostic::error(codes::BAD_URL, message)
                .at(place.node.span, "not an `http://` URL")
                .help("write `http://127.0.0.1:9000/length`; for anything else use `command`"),
        );
        None
    }
}

impl JsonSchema for QueueUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "QueueUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^http://[^\\s@#]+$" })
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
