//! A cron expression in a time zone, read and checked.

use std::ops::Range;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The longest expression in bytes.
const LONGEST: usize = 200;

/// The fields from the last one on, and what each takes: a minute may have seconds before it.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or `L` for the last"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
];

/// When a job is due.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub(super) cron: Cron,
    pub(super) zone: TimeZone,
    /// Every hour is due: then it goes by time as it passes, not by what clocks on the wall show.
    pub(super) every_hour: bool,
}

/// Why there is no such schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It has neither five nor six fields.
    #[error("a schedule has five fields, or six with seconds in front, and this has {0}")]
    Fields(usize),
    /// It begins with `@` and is none of the short forms.
    #[error("there is no such short form")]
    ShortForm,
    /// A field cannot be read.
    #[error("the {name} takes {takes}")]
    Field {
        /// Its place in the text, in bytes.
        at: Range<usize>,
        /// Its name.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// Its fields are good and no day has them, such as 30 February.
    #[error("no day is ever like this")]
    Never {
        /// The place of the day's fields, in bytes.
        at: Range<usize>,
    },
    /// There is no such time zone.
    #[error("there is no time zone of this name")]
    Zone,
    /// It is longer than any schedule.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
}

impl Schedule {
    /// The short forms and what they stand for.
    pub const SHORT_FORMS: [(&'static str, &'static str); 6] = [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ];

    /// Reads an expression and the IANA name of a zone.
    ///
    /// # Errors
    /// Where there is no such expression, no such zone, or no day it could ever be due on.
    pub fn parse(text: &str, timezone: &str) -> Result<Self, ScheduleError> {
        let cron = parse_cron(text)?;
        let zone = super::text::zone(timezone).ok_or(ScheduleError::Zone)?;
        let every_hour = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        Ok(Schedule { cron, zone, every_hour })
    }
}

/// Reads the expression alone.
fn parse_cron(text: &str) -> Result<Cron, ScheduleError> {
    if text.len() > LONGEST {
        return Err(ScheduleError::TooLong);
    }
    let written = text.trim();
    if written.starts_with('@') {
        let known = Schedule::SHORT_FORMS.iter().find(|(form, _)| form.eq_ignore_ascii_case(written));
        let (_, meaning) = known.ok_or(ScheduleError::ShortForm)?;
        return parser().parse(meaning).map_err(|_| ScheduleError::ShortForm);
    }
    let fields = fields_of(text);
    if !(5..=6).contains(&fields.len()) {
        return Err(ScheduleError::Fields(fields.len()));
    }
    let cron = parser().parse(written).map_err(|_| to_blame(text, &fields))?;
    if cron.find_next_occurrence(&some_leap_year(), true).is_err() {
        let days = fields[fields.len() - 3].start..fields[fields.len() - 1].end;
        return Err(ScheduleError::Never { at: days });
    }
    Ok(cron)
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Optional).build()
}

/// Where the search for any day at all begins.
fn some_leap_year() -> DateTime {
    DateTime::constant(2000, 1, 1, 0, 0, 0, 0)
}

/// The places of the words of a text.
fn fields_of(text: &str) -> Vec<Range<usize>> {
    let words = text.split_whitespace();
    words
        .map(|word| word.as_ptr() as usize - text.as_ptr() as usize)
        .zip(text.split_whitespace())
        .map(|(start, word)| start..start + word.len())
        .collect()
}

/// The first field that cannot be read even where all others are `*`.
fn to_blame(text: &str, fields: &[Range<usize>]) -> ScheduleError {
    let alone = |n: usize| {
        let mut words = vec!["*"; fields.len()];
        words[n] = &text[fields[n].clone()];
        parser().parse(&words.join(" ")).is_err()
    };
    let n = (0..fields.len()).find(|n| alone(*n)).unwrap_or(0);
    let (name, takes) = FIELDS[n + FIELDS.len() - fields.len()];
    ScheduleError::Field { at: fields[n].clone(), name, takes }
}
