//! How a rollout proceeds.

use std::fmt;

use serde::{Deserialize, Serialize};

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

    /// A strategy with its default options.
    pub fn new(kind: StrategyKind) -> Self {
        Strategy { kind, batch: 1, bake: Self::BAKE, deadline: Self::DEADLINE }
    }
}

impl StrategyKind {
    /// Every strategy, in the order they are documented.
    pub const ALL: [StrategyKind; 5] = [
        StrategyKind::AllAtOnce,
        StrategyKind::Rolling,
        StrategyKind::RollingWithExtraBatch,
        StrategyKind::Immutable,
        StrategyKind::BlueGreen,
    ];

    /// The name in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            StrategyKind::AllAtOnce => "all-at-once",
            StrategyKind::Rolling => "rolling",
            StrategyKind::RollingWithExtraBatch => "rolling-with-extra-batch",
            StrategyKind::Immutable => "immutable",
            StrategyKind::BlueGreen => "blue-green",
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
