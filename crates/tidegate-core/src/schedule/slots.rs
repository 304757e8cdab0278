//! The slots of a schedule: instants at which its job is due.
//!
//! Clocks on the wall are put forward and back. A schedule that names hours means what they show:
//! - a time that is left out (02:30, where 02:00 becomes 03:00) is due once, right after the gap;
//! - a time that comes twice is due once, the first time.
//!
//! A schedule that is due in every hour goes by time as it passes: it leaves out nothing and goes on through both hours.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;

use super::Schedule;

/// Changes of a zone's offset looked through for one slot: more than a century of them.
const MOST_CHANGES: usize = 250;
/// Times of the day looked through for one slot: those of a whole day in seconds, twice over.
const MOST_TIMES: usize = 2 * 86_400;

impl Schedule {
    /// The first slot after an instant, both in milliseconds since the Unix epoch.
    pub fn next_after(&self, unix_ms: u64) -> Option<u64> {
        let after = Timestamp::from_second(i64::try_from(unix_ms / 1_000).ok()?).ok()?;
        let next = if self.every_hour { self.passing(after) } else { self.on_the_wall(after) }?;
        u64::try_from(next.as_second()).ok().map(|seconds| seconds * 1_000)
    }

    /// By what clocks show. From one time of the calendar to the next the instant they mean never goes back, so the first
    /// one that is later is the answer.
    fn on_the_wall(&self, after: Timestamp) -> Option<Timestamp> {
        let mut shown = self.zone.to_datetime(after);
        for _ in 0..MOST_TIMES {
            shown = self.cron.find_next_occurrence(&shown, false).ok()?;
            let instant = self.meant_by(shown)?;
            if instant > after {
                return Some(instant);
            }
        }
        None
    }

    /// The instant at which a job for a time of the calendar runs.
    fn meant_by(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(shown).ok(),
            // With the offset from before the gap the time lies behind it: the change itself is what came last until then.
            AmbiguousOffset::Gap { before, .. } => {
                let behind = before.to_timestamp(shown).ok()?;
                let just_after = behind.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
                self.zone.preceding(just_after).next().map(|change| change.timestamp())
            }
        }
    }

    /// By time as it passes: stretch by stretch between two changes of the offset.
    fn passing(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        for _ in 0..MOST_CHANGES {
            let offset = self.zone.to_offset(from);
            let shown = self.cron.find_next_occurrence(&offset.to_datetime(from), inclusive).ok()?;
            let instant = offset.to_timestamp(shown).ok()?;
            let change = self.zone.following(from).next().map(|change| change.timestamp());
            match change {
                Some(change) if instant >= change => (from, inclusive) = (change, true),
                _ => return Some(instant),
            }
        }
        None
    }
}
