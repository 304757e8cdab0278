//! `schedule` of `scale`: days, times of day and time zones.

use tidegate_core::model::is_timezone;

use super::text::{Rule, Text};
use crate::codes::{self, Code};

/// Days of the week.
pub(crate) type Days = Text<DaySet>;
/// A time of day.
pub(crate) type ClockTime = Text<Minute>;
/// A time zone.
pub(crate) type TimeZone = Text<ZoneName>;

/// Days of the week: bit 0 is Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DaySet(pub(crate) u8);

/// Minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Minute(pub(crate) u16);

/// An IANA name.
#[derive(Clone, Debug)]
pub(crate) struct ZoneName(pub(crate) String);

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl DaySet {
    /// Every day.
    pub(crate) const DAILY: DaySet = DaySet(0b111_1111);
}

impl Rule for DaySet {
    const WHAT: &'static str = "a set of days";
    const CODE: Code = codes::SCALE_SCHEDULE;
    const PATTERN: &'static str =
        "^(daily|(mon|tue|wed|thu|fri|sat|sun)([-,](mon|tue|wed|thu|fri|sat|sun))*)$";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "daily" {
            return Ok(DaySet::DAILY);
        }
        let advice = || "write days like `mon-fri`, `sat,sun` or `daily`".to_owned();
        let day = |name: &str| NAMES.iter().position(|known| *known == name).ok_or_else(advice);
        let mut set = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (day(first)?, day(last)?);
            // Over the end of the week: `sat-mon`.
            let length = (last + 7 - first) % 7;
            set |= (0..=length).fold(0, |set, step| set | 1 << ((first + step) % 7));
        }
        Ok(DaySet(set))
    }
}

impl Rule for Minute {
    const WHAT: &'static str = "a time of day";
    const CODE: Code = codes::SCALE_SCHEDULE;
    const PATTERN: &'static str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$";

    fn parse(text: &str) -> Result<Self, String> {
        let two = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() == 2 && !part.starts_with('+'));
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
        match parts {
            Some((hour @ 0..=23, minute @ 0..=59)) => Ok(Minute(hour * 60 + minute)),
            Some((24, 0)) => Ok(Minute(24 * 60)),
            _ => Err("write hours and minutes with two digits each: `\"08:00\"`".to_owned()),
        }
    }
}

impl Rule for ZoneName {
    const WHAT: &'static str = "a time zone";
    const CODE: Code = codes::SCALE_SCHEDULE;
    const PATTERN: &'static str = "^[A-Za-z0-9_+/-]{1,64}$";

    fn parse(text: &str) -> Result<Self, String> {
        match is_timezone(text) {
            true => Ok(ZoneName(text.to_owned())),
            false => Err("write its IANA name: `UTC`, `Europe/Berlin`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_ranges_and_lists_also_over_the_end_of_the_week() {
        let days = |text| DaySet::parse(text).ok().map(|set| set.0);
        assert_eq!(days("mon-fri"), Some(0b001_1111));
        assert_eq!(days("sat-mon,wed"), Some(0b110_0101));
        assert_eq!(days("daily"), Some(0b111_1111));
        assert_eq!((days("monday"), days(""), days("mon-")), (None, None, None));
    }

    #[test]
    fn times_have_two_digits_each() {
        let minute = |text| Minute::parse(text).ok().map(|minute| minute.0);
        assert_eq!((minute("08:30"), minute("24:00")), (Some(510), Some(1_440)));
        assert_eq!(
            (minute("8:30"), minute("24:01"), minute("+8:00"), minute("noon")),
            (None, None, None, None)
        );
    }
}
