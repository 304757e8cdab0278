//! What somebody asks of a flag, as it comes from the command line or the API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{FlagState, GuardStep, Millionths, Release, RevisionNo, UserKey};
use crate::time::Millis;

/// A change of what a flag serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReleaseOrder")]
pub enum Order {
    /// The variant that is on, to everybody the flag's own rules say nothing of.
    On,
    /// The variant that is off, to everybody, whatever the rules say.
    Off,
    /// A variant to everybody.
    Variant(String),
    /// A variant to a share of the users.
    Share {
        /// How many.
        of: Millionths,
        /// Which; `None`: the one that is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
        /// The attribute that users are told apart by; `None`: as they are now, or by `targetingKey`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// One after the other.
    Schedule(Vec<Timed>),
    /// The safe variant to everybody, whatever the rules say.
    Kill,
    /// What Git says, and nothing besides.
    Reset,
    /// Back to what was served before the last release that somebody asked for.
    Rollback,
    /// Back to what was served before the last release, whoever made it.
    Undo,
    /// It is not served any more.
    Archive,
}

/// What is asked for from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReleaseTimed")]
pub struct Timed {
    /// Milliseconds since the Unix epoch.
    pub from_unix_ms: u64,
    /// [`Order::On`], [`Order::Off`], [`Order::Variant`] or [`Order::Share`].
    pub order: Order,
}

/// An order and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReleaseAsked")]
pub struct Asked {
    /// What.
    pub order: Order,
    /// Who, as they call themselves.
    #[serde(default)]
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The version of the flag's state that they have seen; refused where it is another one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_version: Option<u64>,
    /// Where a serving revision lacks the flag's code: wait until none does, instead of being refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub when_ready: bool,
    /// Watch it on the gateway's traffic, and go on by shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardAsked>,
}

/// How a release is to be watched; what is empty is left to Tidegate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardAsked {
    /// What of a request tells its user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<UserKey>,
    /// The shares after the first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<GuardStep>,
    /// How long every share is watched at least that does not say so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Millis>,
}

/// What is to be known of the world besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Serving revisions that do not mention the flag. Empty where its code is elsewhere.
    pub lacking: Vec<RevisionNo>,
    /// Serving revisions that mention it.
    pub mentioned: Vec<RevisionNo>,
    /// Serving revisions that may mention it: nobody has looked through all of their source.
    pub open: Vec<RevisionNo>,
    /// Whether an experiment runs on the flag.
    pub experiment: bool,
    /// Other flags of the environment that are guarded, or will be once their code is there.
    pub guarded: usize,
    /// Whether the flag's own rule gives everybody a variant: nobody is left to be drawn.
    pub ruled_out: bool,
}

/// What became of an order that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// The flag has this state from now on; both belong into one transaction.
    Released(Box<(FlagState, Release)>),
    /// It is done once the serving revisions have the flag's code; the state to keep until then, and the record that it was
    /// asked for.
    Waits(Box<(FlagState, Release)>),
    /// It is served already.
    Already,
}

impl Asked {
    /// An order and nothing else.
    pub fn new(order: Order, by: &str) -> Self {
        let by = by.to_owned();
        Asked { order, by, why: None, expect_version: None, when_ready: false, guard: None }
    }
}
