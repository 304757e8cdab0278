//! `tidegate flag list|show|history` and `tidegate release`: flags, what is served of them and how it came about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GuardView;
use crate::flag::Debt;
use crate::model::{Guard, ReleaseCause, RevisionNo, Serving};

/// The flags of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagList {
    /// By key.
    pub flags: Vec<FlagView>,
}

/// The flags of an environment that are left over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagDebtView {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// After how many days the same for everybody counts as left over.
    pub days: u64,
    /// By flag.
    pub debts: Vec<Debt>,
}

/// A flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagView {
    /// Its key.
    pub key: String,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// In a word: `undefined`, `disabled`, `archived`, `killed`, `off`, `waiting`, `guarded`, `released` or `defined`.
    pub state: String,
    /// What is served, in words.
    pub served: String,
    /// When its definition was first in force: RFC 3339 in UTC.
    pub since: Option<String>,
    /// What Git owns of it: changed by a commit and a deploy. `None`: the definitions in force have no such flag.
    pub git: Option<FlagInGit>,
    /// What the run time owns of it: changed by a release.
    pub run_time: FlagAtRunTime,
    /// What came of its newest guarded release; of a single flag only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardView>,
    /// Where its code is.
    pub code: FlagInCode,
    /// Why it is left over, where it is.
    #[serde(default)]
    pub debt: Vec<Debt>,
}

/// What Git says of a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagInGit {
    /// `rollout`, `experiment`, `entitlement` or `operational`.
    pub class: Option<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The last day it is to be there.
    pub expires: Option<String>,
    /// Its variants with their values.
    pub variants: BTreeMap<String, Value>,
    /// The variant where nothing else is said.
    pub default: Option<String>,
    /// The variant to go to when it is killed or its code is gone.
    pub safe: Option<String>,
    /// Whether it has rules of its own, which come before what is released.
    pub rules: bool,
    /// Whether keys of clients see it.
    pub clients: bool,
    /// Whether its state is `DISABLED`.
    pub disabled: bool,
    /// Of which type its values are: `boolean`, `string`, `integer`, `float` or `object`.
    #[serde(default)]
    pub r#type: Option<String>,
    /// What an experiment on it measures.
    #[serde(default)]
    pub metric: Option<String>,
    /// `elsewhere`, where its code is in another repository.
    #[serde(default)]
    pub source: Option<String>,
    /// How an experiment on it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Value>,
    /// Its rule, as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Value>,
    /// Whether its rule gives everybody a variant: what is released reaches nobody then, but what is off does.
    #[serde(default)]
    pub rule_for_all: bool,
}

/// What the run time says of a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagAtRunTime {
    /// How often it was changed.
    pub version: u64,
    /// What is served where the rules say nothing.
    pub serving: Serving,
    /// The watch over its release.
    pub guard: Option<Guard>,
    /// A release that waits for code.
    pub waiting: Option<WaitingView>,
    /// Whether it was archived.
    pub archived: bool,
    /// Its newest release.
    pub last: Option<ReleaseView>,
    /// Whether an experiment on it keeps what is served as it is.
    #[serde(default)]
    pub experiment: bool,
}

/// A release that waits until everything that serves has the flag's code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingView {
    /// What is to be served then, in words.
    pub served: String,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: Option<String>,
    /// When they asked: RFC 3339 in UTC.
    pub at: String,
}

/// Which of the revisions that serve know a flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagInCode {
    /// Its code is in another repository: nobody looks for it.
    pub elsewhere: bool,
    /// Those that mention it.
    pub mentioned: Vec<RevisionNo>,
    /// Those that do not.
    pub lacking: Vec<RevisionNo>,
}

/// The releases of a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagHistory {
    /// The flag.
    pub key: String,
    /// The newest first.
    pub releases: Vec<ReleaseView>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseView {
    /// The flag's version after it.
    pub version: u64,
    /// When: RFC 3339 in UTC.
    pub at: String,
    /// Who asked; `tidegate` for its own.
    pub by: String,
    /// Why.
    pub why: Option<String>,
    /// What brought it about.
    pub cause: ReleaseCause,
    /// What was served before, in words.
    pub from: String,
    /// What is served after it, in words.
    pub to: String,
    /// The same as data.
    pub before: Serving,
    /// The same as data.
    pub after: Serving,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleasedView {
    /// `released`, `waiting` (for code) or `already` (it is served: nothing was changed).
    pub outcome: String,
    /// What is not as one may think, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The flag after it.
    pub flag: FlagView,
}

/// What Git says of an environment's flags and what is served of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagSetView {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The definitions as a flag file of flagd's format.
    pub definitions: Value,
    /// The same with what is served put in: what the gateway serves.
    pub effective: Value,
}
