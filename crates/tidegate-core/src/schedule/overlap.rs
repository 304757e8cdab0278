//! Slots that are due, slots that were missed, and what is in the way of a run.

use super::Schedule;
use crate::model::{JobRun, JobSpec, Overlap, RunPhase};
use crate::time::Millis;

/// A slot younger than this is on time: the control loop looks at least once a second.
pub(super) const ON_TIME: Millis = Millis::seconds(10);
/// Missed slots are counted up to here.
const COUNTED: u64 = 100;
/// Runs of one job at the same time, where they may overlap.
pub(super) const MOST_AT_ONCE: usize = 10;
/// Runs of one job that wait for the one in progress.
pub(super) const MOST_QUEUED: usize = 10;

/// Slots that passed since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The newest one, where it is young enough to be run.
    pub(super) run: Option<u64>,
    /// How many others there were.
    pub(super) missed: u64,
    /// Whether there were more than that.
    pub(super) many: bool,
    /// The last of them.
    pub(super) last_missed: u64,
    /// Every slot up to here is decided about; `None`: there was none.
    pub(super) decided: Option<u64>,
}

/// Looks at the slots after `decided` up to `now`, both in milliseconds since the Unix epoch.
pub(super) fn due(schedule: &Schedule, decided: u64, now: u64, catch_up: Millis) -> Due {
    let young = now.saturating_sub(catch_up.max(ON_TIME).0);
    let mut due = Due::default();
    let mut after = decided;
    let mut newest = None;
    while let Some(slot) = schedule.next_after(after).filter(|slot| *slot <= now) {
        if let Some(before) = newest.replace(slot) {
            due.miss(before);
        }
        after = slot;
        if due.missed >= COUNTED && slot < young {
            // The rest of a long time away is not counted, only looked through for a young one.
            due.many = true;
            after = slot.max(young.saturating_sub(1));
        }
    }
    match newest {
        Some(slot) if slot >= young => due.run = Some(slot),
        Some(slot) => due.miss(slot),
        None => {}
    }
    // Where not every slot was looked at, those up to the young ones are decided about as well.
    due.decided = newest.map(|slot| if due.many { slot.max(young.min(now)) } else { slot });
    due
}

impl Due {
    fn miss(&mut self, slot: u64) {
        self.missed += 1;
        self.last_missed = slot;
    }
}

/// Why another run cannot be made now; `None`: it can.
pub(super) fn in_the_way(spec: &JobSpec, runs: &[JobRun]) -> Option<String> {
    let open: Vec<&JobRun> = runs.iter().filter(|run| !run.phase.is_over()).collect();
    let first = open.first()?.number;
    let queued = open.iter().filter(|run| run.phase == RunPhase::Queued).count();
    match spec.overlap {
        Overlap::Forbid => Some(format!("run {first} is not over")),
        Overlap::Queue if queued >= MOST_QUEUED => Some(format!("{queued} runs wait already")),
        Overlap::Allow if open.len() >= MOST_AT_ONCE => Some(format!("{} runs are in progress", open.len())),
        Overlap::Queue | Overlap::Allow => None,
    }
}
