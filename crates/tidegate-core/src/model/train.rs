//! A train: services of an app that are rolled out as one, and the part a rollout has in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, RolloutId};

/// The part a rollout has in a train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carriage {
    /// The train, as the manifest names it.
    pub train: Name,
    /// Its rollouts in its order: those that call come before those they call.
    pub rollouts: Vec<RolloutId>,
    /// How far this one is.
    pub leg: Leg,
}

/// How far a rollout is in its train. It only goes on, but for a pause in the bake time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// Its candidate starts; nobody gets to it.
    Assembling,
    /// Its candidate can be reached by the lane, and waits for its turn.
    Waiting,
    /// It goes by its own strategy.
    Going,
    /// It is ready for all the traffic, and waits until the others are.
    Arrived,
    /// Its bake time is over, and it waits until the others' are.
    Passed,
}

/// The lane of a train while it is rolled out: a request that met one side of a member meets the same side of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The train, with its app and environment.
    pub train: String,
    /// Which time it is rolled out: the number of its first rollout.
    pub run: u64,
}

impl Carriage {
    /// Which time the train is rolled out: the number of its first rollout.
    pub fn run(&self) -> RolloutId {
        self.rollouts.first().copied().unwrap_or(RolloutId(0))
    }

    /// Whether others of the train call this one's service.
    pub fn is_called(&self, id: RolloutId) -> bool {
        self.rollouts.first().is_some_and(|first| *first != id)
    }
}

impl Leg {
    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Leg::Assembling => "assembling",
            Leg::Waiting => "waiting",
            Leg::Going => "going",
            Leg::Arrived => "arrived",
            Leg::Passed => "passed",
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
