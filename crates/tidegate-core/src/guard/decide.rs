//! What follows for a guarded release.

use serde::{Deserialize, Serialize};

use super::Watching;
use crate::judge::Decision;
use crate::judge::words::percent;
use crate::model::Guard;

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The share stays until this moment, in milliseconds since the Unix epoch, if nothing is heard.
    Stay(u64),
    /// The time is over, and the share stays all the same.
    Hold(Held),
    /// On to the next share.
    Grow,
    /// It is where it was to end: the watch is over.
    Arrive,
    /// The variant is worse: it is turned off.
    TurnOff(Decision),
}

/// Why a share stays though its time is over. Time alone never makes it grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The gateway did not see enough users of the variant.
    TooFewUsers,
    /// There was too little traffic to show that the variant is not worse.
    TooLittleTraffic,
    /// There is some evidence that it is worse, and not enough.
    Doubt,
    /// The revision that is rolled out at the same time is to blame: the rollout has to end first.
    Revision,
}

impl Held {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Held::TooFewUsers => "the gateway saw too few users of it to say anything",
            Held::TooLittleTraffic => "there was too little traffic to show that it is not worse",
            Held::Doubt => "there is some evidence that it is worse, and not enough to turn it off",
            Held::Revision => {
                "the revision that is rolled out at the same time is worse: that has to end first"
            }
        }
    }
}

/// The whole of a share.
const ALL: u32 = 1_000_000;

/// What follows for a release at its guard's step.
pub fn decide(guard: &Guard, watching: &Watching, now_unix_ms: u64) -> Next {
    if let Some(decision) = watching.condemned() {
        return Next::TurnOff(decision);
    }
    let Some(step) = guard.steps.get(guard.step) else { return Next::Arrive };
    let over = guard.since_unix_ms.saturating_add(step.hold.0);
    if now_unix_ms < over {
        return Next::Stay(over);
    }
    if let Some(held) = watching.lacks() {
        return Next::Hold(held);
    }
    match guard.steps.get(guard.step + 1) {
        // With everybody on it there is nobody left to compare with.
        Some(next) if next.of.0 < ALL => Next::Grow,
        Some(_) | None => Next::Arrive,
    }
}

/// The figures of what turned a flag off, in one sentence.
pub(super) fn why_off(on: &str, off: &str, decision: &Decision) -> String {
    let Decision { candidate_requests, candidate_bad, stable_requests, stable_bad, .. } = *decision;
    let part = |who: &str, bad: u64, requests: u64| {
        let share = if requests == 0 { 0.0 } else { bad as f64 / requests as f64 };
        format!(
            "of those with {who} {bad} met a bad answer in {requests} requests ({})",
            percent(rounded(share))
        )
    };
    format!(
        "`{on}` errs more than `{off}`: {}, {} (evidence {:.1} of {:.1})",
        part(on, candidate_bad, candidate_requests),
        part(off, stable_bad, stable_requests),
        decision.log_e,
        decision.threshold
    )
}

fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}
