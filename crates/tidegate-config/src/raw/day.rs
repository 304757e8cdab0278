//! Days of the calendar.

use super::text::Rule;
use crate::codes::{self, Code};

/// A day as written: `2026-12-31`.
#[derive(Clone, Debug)]
pub(crate) struct Day(pub(crate) String);

impl Rule for Day {
    const WHAT: &'static str = "a day";
    const CODE: Code = codes::BAD_DAY;
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

    fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        let there_is = match parts[..] {
            [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => {
                let number = |part: &str| part.parse::<u32>().unwrap_or_default();
                (1..=days_of(number(year), number(month))).contains(&number(day))
            }
            _ => false,
        };
        if there_is {
            Ok(Day(text.to_owned()))
        } else {
            Err("write year, month and day: `2026-12-31`".to_owned())
        }
    }
}

/// How many days a month has; none, if there is no such month.
fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for good in ["2026-12-31", "2028-02-29", "2000-02-29"] {
            assert!(Day::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-00-01",
            "2026-01-00",
            "26-01-01",
            "31.12.2026",
        ] {
            assert!(Day::parse(bad).is_err(), "{bad}");
        }
    }
}
