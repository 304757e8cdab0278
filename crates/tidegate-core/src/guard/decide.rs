//! What follows for a guarded release.

use serde::{Deserialize, Serialize};

use super::{Charge, Watching};
use crate::model::Guard;
use crate::time::Moment;

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The share stays until this moment, if nothing is heard.
    Stay(Moment),
    /// The time is over, and the share stays all the same.
    Hold(Held),
    /// On to the next share.
    Grow,
    /// It is where it was to end: the watch is over.
    Arrive,
    /// The variant is worse: it is turned off.
    TurnOff(Box<Charge>),
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
    /// A revision that serves lacks the flag's code: whoever is sent there does not have what they were given.
    Code,
    /// An experiment on the flag runs: who gets which variant stays as it is until it ends.
    Experiment,
    /// More would have to be kept of it than can be.
    TooMuch,
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
            Held::Code => "its code is not in every revision that serves",
            Held::Experiment => {
                "an experiment runs on it: who has which variant stays as it is until that ends"
            }
            Held::TooMuch => "the counts of all its services and gateway processes are more than can be kept",
        }
    }
}

impl Held {
    /// The same, with the services that are missing.
    pub fn of<'a>(self, unproven: impl Iterator<Item = &'a str>) -> String {
        let names = unproven.map(|name| name.rsplit('/').next().unwrap_or_default());
        let names: Vec<&str> = names.filter(|_| self == Held::TooLittleTraffic).collect();
        let at = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        format!("{}{at}", self.as_str())
    }
}

/// The whole of a share.
const ALL: u32 = 1_000_000;

/// What follows for a release at its guard's step.
pub fn decide(guard: &Guard, watching: &Watching, now: Moment) -> Next {
    if let Some(charge) = watching.condemned() {
        return Next::TurnOff(Box::new(charge.clone()));
    }
    let Some(step) = guard.steps.get(guard.step) else { return Next::Arrive };
    // By Tidegate's own time line: a clock that jumps must not cut a watch short.
    let over = watching.since().unwrap_or(now) + step.hold;
    if now < over {
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

impl Next {
    /// The same where something else keeps the share as it is. A variant that is worse is turned off all the same.
    pub fn unless(self, held: impl FnOnce() -> Option<Held>) -> Self {
        match self {
            Next::Grow | Next::Arrive => held().map_or(self, Next::Hold),
            Next::Stay(_) | Next::Hold(_) | Next::TurnOff(_) => self,
        }
    }
}
