//! Time as the planner sees it: a monotonic count of milliseconds that survives restarts, and spans of it.
//!
//! Wall-clock time never decides anything (a clock that jumps changes nothing); it is only shown to users.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment on Tidegate's own time line, in milliseconds. The shell keeps it monotonic across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

/// A span of time in milliseconds. Written `250ms`, `30s`, `5m`, `2h`, `1d`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No digits, or something other than digits before the unit.
    #[error(
        "`{0}` is not a duration: write a whole number and a unit, like `250ms`, `30s`, `5m`, `2h` or `1d`"
    )]
    Shape(String),
    /// Longer than a year: surely a mistake.
    #[error("`{0}` is longer than 366 days")]
    TooLong(String),
}

const LONGEST: Millis = Millis(366 * 24 * 3_600_000);

impl Millis {
    /// Zero milliseconds.
    pub const ZERO: Millis = Millis(0);

    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Millis(seconds * 1_000)
    }

    /// The span as the standard library's type.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl Moment {
    /// The span since `earlier`; zero where `earlier` is in the future.
    pub fn since(self, earlier: Moment) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for Moment {
    type Output = Moment;
    fn add(self, span: Millis) -> Moment {
        Moment(self.0.saturating_add(span.0))
    }
}

impl Sub<Millis> for Moment {
    type Output = Moment;
    fn sub(self, span: Millis) -> Moment {
        Moment(self.0.saturating_sub(span.0))
    }
}

impl FromStr for Millis {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || DurationError::Shape(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| shape())?;
        let scale = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(shape()),
        };
        let span = Millis(number.saturating_mul(scale));
        if span > LONGEST { Err(DurationError::TooLong(text.to_owned())) } else { Ok(span) }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (scale, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
            if self.0 >= scale && self.0.is_multiple_of(scale) {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        if self.0 >= 10_000 {
            return write!(f, "{:.1}s", self.0 as f64 / 1_000.0);
        }
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_as_it_prints() {
        for text in ["0ms", "250ms", "30s", "5m", "2h", "1d", "90s", "1500ms"] {
            let span: Millis = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Millis>().unwrap(), span, "{text}");
        }
    }

    #[test]
    fn a_duration_needs_a_number_and_a_unit() {
        for text in ["", "30", "s", "-1s", "1.5s", "30 s", "30sec", "99999999999999999999s", "400d"] {
            assert!(text.parse::<Millis>().is_err(), "{text}");
        }
    }
}
