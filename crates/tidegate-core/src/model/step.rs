//! The steps of a progressive strategy: what users of the candidate there are, and for how long.
//!
//! Written in the manifest, read by the planner, shown everywhere by its [`Display`](fmt::Display) form, which is the manifest's
//! own text form.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Match;
use crate::time::Millis;

/// One step. It lasts from when the gateway has acknowledged what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The candidate gets this share of the requests.
    Weight {
        /// 1 to 99: all of them is what follows the last step.
        percent: u32,
        /// How long; zero: go on once it is in force.
        hold: Millis,
    },
    /// Requests that match reach the candidate, whatever its share is; from here on.
    Audience {
        /// Which.
        who: Audience,
        /// How long; zero: go on once it is in force.
        hold: Millis,
    },
    /// The candidate gets copies of this share of the requests, until a step gives it users.
    Mirror {
        /// 1 to 100.
        percent: u32,
        /// How long; zero: go on once it is in force.
        hold: Millis,
    },
    /// At least so many candidate instances, whatever its share is; from here on.
    Scale(Candidates),
    /// Nothing moves: for this long, or until a person says so.
    Pause {
        /// `None`: until `tidegate rollout resume`.
        hold: Option<Millis>,
    },
    /// A person has to say that it may go on.
    Approve,
    /// Until the judge has decided.
    Analyse {
        /// Longest; then it is inconclusive.
        max: Millis,
    },
    /// Until the check of this name passes.
    Check {
        /// Which.
        name: String,
        /// It has to pass for so long without a break; zero: once.
        #[serde(default)]
        hold: Millis,
        /// Longest; then it is inconclusive.
        max: Millis,
    },
}

/// Requests that go to the candidate by what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// As the manifest says it: `header x-preview=1`, `cohort beta`, `country NZ, AU`.
    pub label: String,
    /// Any of these.
    pub any: Vec<Match>,
}

/// A number of candidate instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidates {
    /// So many.
    Count(u32),
    /// This share of the service's number, in percent, rounded up.
    Percent(u32),
}

/// What happens where the time of an analysis is over and nothing was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inconclusive {
    /// The rollout is paused until a person says what to do.
    #[default]
    Hold,
    /// The candidate is taken back.
    Abort,
    /// The rollout goes on.
    Promote,
}

impl Inconclusive {
    /// The word in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Inconclusive::Hold => "hold",
            Inconclusive::Abort => "abort",
            Inconclusive::Promote => "promote",
        }
    }
}

impl Candidates {
    /// How many that is of a service with so many instances; at least one.
    pub fn of(self, instances: u32) -> u32 {
        match self {
            Candidates::Count(count) => count.max(1),
            Candidates::Percent(percent) => share_of(percent, instances).max(1),
        }
    }
}

/// So many percent of a number, rounded up.
pub(crate) fn share_of(percent: u32, of: u32) -> u32 {
    let share = (u64::from(percent) * u64::from(of)).div_ceil(100);
    u32::try_from(share).unwrap_or(u32::MAX)
}

impl Step {
    /// How long it lasts once it is in force: `None` where that is not known before.
    pub fn lasts(&self) -> Option<Millis> {
        match self {
            Step::Weight { hold, .. } | Step::Audience { hold, .. } | Step::Mirror { hold, .. } => {
                Some(*hold)
            }
            Step::Scale(_) => Some(Millis::ZERO),
            Step::Pause { hold } => *hold,
            Step::Approve => None,
            Step::Analyse { max } | Step::Check { max, .. } => Some(*max),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Weight { percent, hold } => write!(f, "{percent}%{}", Held(*hold)),
            Step::Audience { who, hold } => write!(f, "{}{}", who.label, Held(*hold)),
            Step::Mirror { percent, hold } => write!(f, "mirror {percent}%{}", Held(*hold)),
            Step::Scale(Candidates::Count(count)) => write!(f, "scale {count}"),
            Step::Scale(Candidates::Percent(percent)) => write!(f, "scale {percent}%"),
            Step::Pause { hold: None } => f.write_str("pause"),
            Step::Pause { hold: Some(hold) } => write!(f, "pause {hold}"),
            Step::Approve => f.write_str("approve"),
            Step::Analyse { max } => write!(f, "analyse until decided (max {max})"),
            Step::Check { name, hold, max } => write!(f, "check {name}{} (max {max})", Held(*hold)),
        }
    }
}

/// ` for 2m`, or nothing.
struct Held(Millis);

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Millis::ZERO { Ok(()) } else { write!(f, " for {}", self.0) }
    }
}
