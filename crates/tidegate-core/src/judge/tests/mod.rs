//! What the judge promises, as far as it can be shown without chance; the rest is simulated by `bench/judge`.

mod bundle;
mod carried;
mod exact;
mod instances;
mod judge;
mod state;

use super::*;

/// A window with requests and bad answers: candidate, stable.
fn window(second: u64, candidate: (u64, u64), stable: (u64, u64)) -> Window {
    Window { second, candidate: Tally::of(candidate.0, candidate.1), stable: Tally::of(stable.0, stable.1) }
}

/// A judge that took the same window again and again.
fn judge_of(policy: &Policy, seconds: u64, candidate: (u64, u64), stable: (u64, u64)) -> Judge {
    let mut judge = Judge::new(policy.clone());
    (0..seconds).for_each(|second| judge.take(&window(second, candidate, stable)));
    judge
}
