//! How the number of instances of a service follows its load: what the manifest's `scale` says beyond a number.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// What the number of instances aims at. The largest number that any of the targets asks for is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Autoscale {
    /// Requests per second and instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rps: Option<u32>,
    /// Requests in flight per instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// CPU time per instance, in percent of its limit or, where it has none, of one CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// What 95 of 100 requests should not take longer than.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<Millis>,
    /// A queue that the service works off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueTarget>,
    /// Other bounds at some times of the week. The first that fits holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<ScheduledBounds>,
    /// A higher number must have been asked for so long.
    pub up_after: Millis,
    /// A lower number must have been asked for so long.
    pub down_after: Millis,
    /// After so long without any request none is left. `None`: at least one runs, whatever the lower bound is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Millis>,
    /// How long the gateway holds a request while none runs.
    pub hold: Millis,
}

impl Default for Autoscale {
    fn default() -> Self {
        Autoscale {
            rps: None,
            concurrency: None,
            cpu: None,
            p95: None,
            queue: None,
            schedule: Vec::new(),
            up_after: Autoscale::UP_AFTER,
            down_after: Autoscale::DOWN_AFTER,
            idle: None,
            hold: Autoscale::HOLD,
        }
    }
}

impl Autoscale {
    /// Of `up_after`.
    pub const UP_AFTER: Millis = Millis::seconds(10);
    /// Of `down_after`.
    pub const DOWN_AFTER: Millis = Millis::seconds(300);
    /// Of `idle` where the lower bound is 0.
    pub const IDLE: Millis = Millis::seconds(600);
    /// Of `hold`.
    pub const HOLD: Millis = Millis::seconds(60);
    /// Requests the gateway holds for one service.
    pub const MOST_HELD: u32 = 1_000;
}

/// A queue and how much of it one instance is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueTarget {
    /// How its length is learnt.
    pub source: QueueSource,
    /// Length per instance.
    pub target: u32,
    /// From one look to the next.
    pub every: Millis,
}

/// How the length of a queue is learnt: a text that begins with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueSource {
    /// A command, run like a one-off command of the stable revision; what it prints.
    Command(String),
    /// The answer to a `GET` of this URL.
    Http(String),
}

/// Bounds at some times of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledBounds {
    /// The days it begins on: bit 0 is Monday.
    pub days: u8,
    /// From here, in minutes since midnight.
    pub from: u16,
    /// Until here; the next day's where it is not later than `from`.
    pub to: u16,
    /// The IANA name of the time zone.
    pub timezone: String,
    /// At least this many.
    pub min: u32,
    /// At most this many.
    pub max: u32,
}

/// Whether a time zone of this name is known.
pub fn is_timezone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

impl ScheduledBounds {
    /// Whether it holds at this time, in milliseconds since the Unix epoch. Nowhere where its time zone is not known.
    pub fn holds_at(&self, unix_ms: u64) -> bool {
        let at = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let Some((at, zone)) = at.zip(TimeZone::get(&self.timezone).ok()) else { return false };
        let there = at.to_zoned(zone);
        let day = there.weekday().to_monday_zero_offset() as u8;
        self.holds(day, there.hour() as u16 * 60 + there.minute() as u16)
    }

    /// Whether it holds on this day (0 is Monday) at this minute since midnight, both in its time zone.
    pub fn holds(&self, day: u8, minute: u16) -> bool {
        let begins_on = |day: u8| self.days & (1 << (day % 7)) != 0;
        if self.from < self.to {
            begins_on(day) && (self.from..self.to).contains(&minute)
        } else {
            (begins_on(day) && minute >= self.from) || (begins_on(day + 6) && minute < self.to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(timezone: &str) -> ScheduledBounds {
        let timezone = timezone.to_owned();
        ScheduledBounds { days: 0b001_1111, from: 8 * 60, to: 18 * 60, timezone, min: 4, max: 8 }
    }

    /// 2026-03-27 (a Friday) 07:30 UTC.
    const FRIDAY: u64 = 1_774_596_600_000;
    const DAY: u64 = 86_400_000;

    #[test]
    fn a_schedule_holds_by_the_clocks_of_its_zone() {
        assert!(!office("UTC").holds_at(FRIDAY));
        assert!(office("Europe/Berlin").holds_at(FRIDAY), "08:30 there");
        assert!(!office("Europe/Berlin").holds_at(FRIDAY + DAY), "a Saturday");
        // The clocks go forward on the Sunday between.
        assert!(office("Europe/Berlin").holds_at(FRIDAY + 3 * DAY - 3_600_000), "08:30 there again");
        assert!(!office("Nowhere/Else").holds_at(FRIDAY));
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        let night = ScheduledBounds { from: 22 * 60, to: 6 * 60, ..office("UTC") };
        assert!(night.holds(4, 23 * 60) && night.holds(5, 60), "from Friday to Saturday");
        assert!(!night.holds(5, 23 * 60) && !night.holds(0, 60), "not from Saturday, not from Sunday");
    }
}
