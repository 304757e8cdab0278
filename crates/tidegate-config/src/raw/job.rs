//! Jobs on a schedule.

use std::borrow::Cow;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{JobSpec, Overlap};
use tidegate_core::schedule::{Schedule, ScheduleError, zones};

use super::choice::{Choice, Word};
use super::command::Command;
use super::env::RawEnv;
use super::limits::RawLimits;
use super::read::{Place, Read};
use super::record::record;
use super::time::{DAY, HOUR, Lasting, SECOND};
use super::whole::Whole;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::span::Span;

record! { merged
    /// A command that is run on a schedule, in the build and environment of the stable revision.
    #[schemars(rename = "Job", extend("required" = ["run", "schedule"]))]
    RawJob is "a job" {
        /// The command, run by `/bin/sh -c` in the build's directory.
        run: Command,
        /// When: minute, hour, day of the month, month, day of the week, as cron has them; six fields have seconds in
        /// front. Or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
        schedule: CronText,
        /// The time zone the schedule is meant in, by its IANA name: `Europe/Berlin`. Default UTC.
        timezone: ZoneName,
        /// What happens when it is due while a run is in progress: `forbid` leaves it out, `queue` runs it afterwards,
        /// `allow` runs both. Default forbid.
        overlap: Word<Overlap>,
        /// How long one attempt may take. Default 1h.
        timeout: Lasting<SECOND, DAY>,
        /// How often a run that failed is tried again, after growing waits. Default 0.
        retries: Whole<0, 10>,
        /// How many runs that are over are kept. Default 20.
        history: Whole<1, 200>,
        /// A run that was missed, because Tidegate did not run, is made up for where it is younger than this. Default 5m.
        catch_up: Lasting<0, HOUR>,
        /// What an attempt may use. Default: no limits.
        limits: RawLimits,
        /// The job's own variables, over the app's and the environment's.
        env: RawEnv,
    }
}

/// What an environment says of a job: the same keys, none of them required.
#[derive(Clone, Debug)]
pub(crate) struct JobOverlay(pub(crate) RawJob);

/// A cron expression that can be due.
#[derive(Clone, Debug)]
pub(crate) struct CronText(pub(crate) String);

/// The name of a time zone there is.
#[derive(Clone, Debug)]
pub(crate) struct ZoneName(pub(crate) String);

impl Choice for Overlap {
    const WHAT: &'static str = "a way to overlap";
    const ALL: &'static [(&'static str, Self)] =
        &[("forbid", Overlap::Forbid), ("queue", Overlap::Queue), ("allow", Overlap::Allow)];
}

impl Read for JobOverlay {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        RawJob::read(place, findings).map(JobOverlay)
    }
}

impl Read for CronText {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        match Schedule::parse(text, JobSpec::TIMEZONE) {
            Ok(_) => Some(CronText(text.trim().to_owned())),
            Err(error) => {
                let diagnostic = wrong_schedule(text, &error, place, findings);
                findings.push(diagnostic);
                None
            }
        }
    }
}

fn wrong_schedule(
    text: &str,
    error: &ScheduleError,
    place: &Place<'_>,
    findings: &Findings<'_>,
) -> Diagnostic {
    let all = place.node.span;
    let forms = || Schedule::SHORT_FORMS.map(|(form, _)| form);
    let (span, label, help) = match error {
        ScheduleError::Field { at, name, .. } => {
            let help = "`*` is every one, `*/5` every fifth, `1-5` a range, `1,15` a list";
            (part(text, at, all, findings), format!("the {name}"), help.to_owned())
        }
        ScheduleError::Never { at } => {
            let help = "30 February and 31 April do not exist; `L` is the last day of a month";
            (part(text, at, all, findings), "no such day".to_owned(), help.to_owned())
        }
        ScheduleError::ShortForm => {
            (all, "unknown short form".to_owned(), format!("the short forms are {}", list(forms())))
        }
        ScheduleError::Fields(_) | ScheduleError::TooLong | ScheduleError::Zone => {
            let help = "write minute, hour, day of the month, month and day of the week: `30 6 * * MON-FRI`";
            (all, String::new(), help.to_owned())
        }
    };
    let unknown_form = *error == ScheduleError::ShortForm;
    let meant = if unknown_form { did_you_mean(text, forms()) } else { String::new() };
    Diagnostic::error(codes::BAD_SCHEDULE, format!("{} is not a schedule: {error}{meant}", quote(text)))
        .at(span, label)
        .help(help)
}

/// The place of a part of a text, where the text stands in the file as it is.
fn part(text: &str, at: &Range<usize>, all: Span, findings: &Findings<'_>) -> Span {
    let written = findings.source().text.get(all.start..all.end).unwrap_or_default();
    match written.find(text) {
        Some(begin) => Span::new(all.start + begin + at.start, all.start + begin + at.end),
        None => all,
    }
}

impl Read for ZoneName {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = place.text(findings)?;
        let names = zones();
        if names.iter().any(|name| name == text) {
            return Some(ZoneName(text.to_owned()));
        }
        findings.push(unknown_zone(text, &names, place));
        None
    }
}

fn unknown_zone(text: &str, names: &[String], place: &Place<'_>) -> Diagnostic {
    // `Berlin` is meant as the zone that ends so.
    let ends = |name: &&String| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
    let meant = match names.iter().find(ends) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => did_you_mean(text, names.iter().map(String::as_str)),
    };
    Diagnostic::error(codes::BAD_TIMEZONE, format!("there is no time zone {}{meant}", quote(text)))
        .at(place.node.span, "unknown time zone")
        .help("write an area and a city as IANA has them, `Europe/Berlin`, or `UTC`")
}

impl JsonSchema for JobOverlay {
    fn schema_name() -> Cow<'static, str> {
        "JobOverlay".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = RawJob::json_schema(generator);
        schema.remove("required");
        schema.insert(
            "description".to_owned(),
            "What differs for a job in this environment, key by key.".into(),
        );
        schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
        schema
    }
}

impl JsonSchema for CronText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cron".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^\\s*(@[A-Za-z]+|(\\S+\\s+){4,5}\\S+)\\s*$" })
    }
}

impl JsonSchema for ZoneName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timezone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_+/-]*$" })
    }
}
