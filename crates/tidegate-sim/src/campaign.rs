//! Many runs: seeds on all cores, their numbers added up, their violations kept.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::invariants::Violation;
use crate::run::{self, Report};
use crate::story::Faults;

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Moments at which something happened.
    pub steps: u64,
    /// Passes of the control loop.
    pub passes: u64,
    /// Virtual milliseconds.
    pub virtual_ms: u64,
    /// Crashes injected.
    pub crashes: u64,
    /// Faults of the world.
    pub faults: u64,
    /// Requests sent.
    pub requests: u64,
    /// Of those, answered.
    pub answered: u64,
    /// Broken invariants by seed, in order.
    pub violations: Vec<(u64, Violation)>,
}

/// Plays one seed the way a campaign does: with `crash`, twice.
pub fn play(seed: u64, faults: Faults) -> Report {
    match faults {
        Faults::Crash => run::play_twice(seed),
        Faults::None | Faults::All | Faults::Judged => run::play(seed, faults, false),
    }
}

/// Plays all seeds of a range.
pub fn run_seeds(seeds: Range<u64>, faults: Faults, threads: usize) -> Totals {
    let next = AtomicU64::new(seeds.start);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = play(seed, faults);
                    totals.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(seed, report);
                }
            });
        }
    });
    let mut totals = totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    totals.violations.sort_by_key(|(seed, _)| *seed);
    totals
}

impl Totals {
    fn add(&mut self, seed: u64, report: Report) {
        self.runs += 1;
        self.steps += report.tally.steps;
        self.passes += report.tally.passes;
        self.virtual_ms += report.virtual_ms;
        self.crashes += report.tally.crashes;
        self.faults += report.tally.faults;
        self.requests += report.requests.sent;
        self.answered += report.requests.answered;
        self.violations.extend(report.violation.map(|violation| (seed, violation)));
    }
}
