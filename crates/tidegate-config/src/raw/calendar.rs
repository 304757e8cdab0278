//! When deploys may begin, and when not: maintenance windows and freezes.

use tidegate_core::schedule::is_civil;

use super::flags::Line;
use super::job::{CronText, ZoneName};
use super::record::record;
use super::text::{Rule, Text};
use super::time::{DAY, Lasting, SECOND};
use crate::codes::{self, Code};

record! { replaced
    /// A time that comes again and again in which deploys may begin.
    #[schemars(rename = "Window", extend("required" = ["schedule", "lasts"]))]
    RawWindow is "a window" {
        /// When it opens: the five fields of cron, `0 8 * * 1-5`.
        schedule: CronText,
        /// The time zone the schedule is meant in, by its IANA name: `Europe/Berlin`. Default UTC.
        timezone: ZoneName,
        /// How long it is open.
        lasts: Lasting<{ 60 * SECOND }, { 31 * DAY }>,
        /// So long before its end nothing begins any more. Default 0s.
        cutoff: Lasting<0, { 31 * DAY }>,
    }
}

record! { replaced
    /// A time in which no deploy begins: between two days, or from each time of a schedule on.
    #[schemars(
        rename = "Freeze",
        extend("oneOf" = [{ "required": ["from", "until"] }, { "required": ["schedule", "lasts"] }])
    )]
    RawFreeze is "a freeze" {
        /// Its beginning: `2026-12-20`, or with a time, `2026-12-20T18:00`.
        from: Text<CivilTime>,
        /// Its end, which is not part of it: `2027-01-05` means that deploys begin again on that day.
        until: Text<CivilTime>,
        /// When it begins, again and again: the five fields of cron.
        schedule: CronText,
        /// How long it lasts from then on.
        lasts: Lasting<{ 60 * SECOND }, { 31 * DAY }>,
        /// The time zone of its days or its schedule, by its IANA name. Default UTC.
        timezone: ZoneName,
        /// Why, for whoever is refused.
        why: Text<Line>,
    }
}

/// A day, or a time of a day, as a calendar on the wall has it.
#[derive(Clone, Debug)]
pub(crate) struct CivilTime(pub(crate) String);

impl Rule for CivilTime {
    const WHAT: &'static str = "a day";
    const CODE: Code = codes::BAD_DAY;
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$";

    fn parse(text: &str) -> Result<Self, String> {
        match is_civil(text) {
            true => Ok(CivilTime(text.to_owned())),
            false => Err("write a day, `2026-12-20`, or one with a time, `2026-12-20T18:00`".to_owned()),
        }
    }
}
