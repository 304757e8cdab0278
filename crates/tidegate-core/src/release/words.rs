//! What is served, in words: for the timeline, the command line and refusals.

use std::fmt;

use jiff::Timestamp;

use super::Order;
use crate::model::{Millionths, Scheduled, Serving, Share};

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Serving::Defined => f.write_str("as defined"),
            Serving::Variant(variant) => write!(f, "{variant} to everybody"),
            Serving::Share(share) => write!(f, "{share}"),
            Serving::Schedule(steps) => steps.iter().enumerate().try_for_each(|(place, step)| {
                f.write_str(if place == 0 { "" } else { ", " })?;
                write!(f, "{step}")
            }),
            Serving::Off(variant) => write!(f, "{variant} to everybody, whatever the rules say"),
            Serving::Killed(variant) => write!(f, "killed: {variant} to everybody, whatever the rules say"),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.variant, Percent(self.of))?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        write!(f, ", {} to the others", self.otherwise)
    }
}

impl fmt::Display for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from_unix_ms {
            0 => write!(f, "at first {}", self.serving),
            from => write!(f, "from {} {}", Instant(from), self.serving),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::On => f.write_str("on"),
            Order::Off => f.write_str("off"),
            Order::Variant(variant) => write!(f, "to {variant}"),
            Order::Share { of, .. } => write!(f, "to {}", Percent(*of)),
            Order::Schedule(_) => f.write_str("schedule"),
            Order::Kill => f.write_str("kill"),
            Order::Reset => f.write_str("reset"),
            Order::Rollback => f.write_str("rollback"),
            Order::Undo => f.write_str("undo"),
            Order::Archive => f.write_str("archive"),
        }
    }
}

/// `25%`, `0.5%`.
pub(super) struct Percent(pub Millionths);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0.0) / 10_000.0)
    }
}

/// Milliseconds since the Unix epoch of a date with time and offset, like `2026-12-01T09:00:00Z`.
pub fn moment(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// `2026-12-01T09:00:00Z`.
pub(super) struct Instant(pub u64);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second =
            i64::try_from(self.0 / 1_000).ok().and_then(|second| Timestamp::from_second(second).ok());
        match second {
            Some(second) => write!(f, "{second}"),
            None => write!(f, "{} ms after 1970", self.0),
        }
    }
}
