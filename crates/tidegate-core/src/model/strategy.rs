//! How a rollout proceeds.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CheckSpec, Copies, Inconclusive, JudgeOptions, OutcomeRule, Step, Sticky};
use crate::time::Millis;

/// A strategy as the manifest asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// Which one.
    pub kind: StrategyKind,
    /// How many instances move at a time (rolling strategies only).
    pub batch: u32,
    /// How long the candidate is watched once it has all the traffic, stable kept warm where the strategy allows.
    pub bake: Millis,
    /// Longest time without progress before the rollout is aborted.
    pub deadline: Millis,
    /// What comes before the candidate gets all the traffic (progressive strategies only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What happens where an analysis decides nothing in its time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inconclusive: Inconclusive,
    /// What is asked of the judge.
    #[serde(default, skip_serializing_if = "JudgeOptions::is_default")]
    pub judge: JudgeOptions,
    /// What else is asked about the candidate, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, CheckSpec>,
    /// How long instances of a candidate that was taken back are kept, out of rotation, to be looked at.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep_failed: Millis,
    /// Keeps clients on their arm while the steps last, where the service's own settings do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// What copies for the candidate are like besides their share.
    #[serde(default, skip_serializing_if = "Copies::is_default")]
    pub copies: Copies,
    /// What is counted of the clients of both sides while the steps last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The strategies of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// All candidates start at once and take traffic as each becomes ready.
    AllAtOnce,
    /// One batch after another inside the service's own number of instances.
    Rolling,
    /// As rolling, with one batch more than the service's number, so capacity never falls.
    RollingWithExtraBatch,
    /// One candidate first, then the rest beside the untouched stable set; each takes its share when ready.
    Immutable,
    /// The whole candidate set starts beside stable without traffic and gets all of it in one swap.
    BlueGreen,
    /// The candidate gets a share of the traffic step by step, and is compared with stable on it.
    Canary,
    /// The candidate gets one group of users after another.
    Phased,
    /// Both revisions serve side by side, each client on its own one, until the time is over.
    #[serde(rename = "a-b")]
    AB,
    /// The candidate gets copies of requests only; its answers are compared with stable's.
    ParallelRun,
    /// Both revisions stay, and users choose.
    ParallelAdoption,
}

/// The strategy that will really be used, and why where it differs from the one asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// What will be used.
    pub strategy: Strategy,
    /// Why it is not what the manifest says; `None` where it is.
    pub why: Option<String>,
    /// Whether requests can fail for want of a ready instance while it runs.
    pub zero_downtime: bool,
}

impl Strategy {
    /// The default bake time.
    pub const BAKE: Millis = Millis::seconds(30);
    /// The default progress deadline.
    pub const DEADLINE: Millis = Millis::seconds(600);
    /// The default longest time of an analysis.
    pub const ANALYSIS: Millis = Millis::seconds(1_800);

    /// A strategy with its default options.
    pub fn new(kind: StrategyKind) -> Self {
        Strategy {
            kind,
            batch: 1,
            bake: Self::BAKE,
            deadline: Self::DEADLINE,
            steps: Vec::new(),
            inconclusive: Inconclusive::default(),
            judge: JudgeOptions::default(),
            checks: BTreeMap::new(),
            keep_failed: Millis::ZERO,
            sticky: None,
            copies: Copies::default(),
            outcomes: Vec::new(),
        }
    }

    /// The steps of a canary that says none, for a service that takes requests or one that does not. Without requests there is
    /// nothing to compare but how instances end, which is watched all the time.
    pub fn default_steps(takes_requests: bool) -> Vec<Step> {
        let weight = |percent, hold| Step::Weight { percent, hold: Millis::seconds(hold) };
        if !takes_requests {
            return vec![weight(25, 120), weight(50, 120)];
        }
        let analyse = Step::Analyse { max: Self::ANALYSIS };
        vec![weight(5, 60), analyse, weight(25, 120), weight(50, 120)]
    }
}

impl StrategyKind {
    /// Every strategy, in the order they are documented.
    pub const ALL: [StrategyKind; 10] = [
        StrategyKind::AllAtOnce,
        StrategyKind::Rolling,
        StrategyKind::RollingWithExtraBatch,
        StrategyKind::Immutable,
        StrategyKind::BlueGreen,
        StrategyKind::Canary,
        StrategyKind::Phased,
        StrategyKind::AB,
        StrategyKind::ParallelRun,
        StrategyKind::ParallelAdoption,
    ];

    /// The name in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            StrategyKind::AllAtOnce => "all-at-once",
            StrategyKind::Rolling => "rolling",
            StrategyKind::RollingWithExtraBatch => "rolling-with-extra-batch",
            StrategyKind::Immutable => "immutable",
            StrategyKind::BlueGreen => "blue-green",
            StrategyKind::Canary => "canary",
            StrategyKind::Phased => "phased",
            StrategyKind::AB => "a-b",
            StrategyKind::ParallelRun => "parallel-run",
            StrategyKind::ParallelAdoption => "parallel-adoption",
        }
    }

    /// Whether it goes by steps.
    pub const fn has_steps(self) -> bool {
        match self {
            StrategyKind::AllAtOnce
            | StrategyKind::Rolling
            | StrategyKind::RollingWithExtraBatch
            | StrategyKind::Immutable
            | StrategyKind::BlueGreen => false,
            StrategyKind::Canary
            | StrategyKind::Phased
            | StrategyKind::AB
            | StrategyKind::ParallelRun
            | StrategyKind::ParallelAdoption => true,
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
