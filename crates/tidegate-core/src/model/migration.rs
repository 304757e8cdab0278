//! Migrations: expand, deploy, contract; and where an environment stands with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{InstanceId, Name, RevisionNo};
use crate::time::{Millis, Moment};

/// The migration of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateSpec {
    /// The expand step: run before the candidate gets traffic.
    pub run: String,
    /// How long it may take.
    pub within: Millis,
    /// The environment of both steps: the app's and the environment's.
    pub env: BTreeMap<String, String>,
    /// Whether revisions from before the expand step cannot work after it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_way: bool,
    /// The contract step: run once nobody goes back any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractSpec>,
}

/// The contract step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractSpec {
    /// The command.
    pub run: String,
    /// The rollback window: how long the revision is stable before it is run.
    pub after: Millis,
    /// How long it may take.
    pub within: Millis,
    /// Whether revisions from before it cannot work after it.
    pub one_way: bool,
}

impl ContractSpec {
    /// The default rollback window.
    pub const AFTER: Millis = Millis::seconds(24 * 3_600);
}

/// Where an environment stands with its migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationState {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// Expand steps that ended well, the newest last: none of them is run again.
    pub expanded: Vec<Expanded>,
    /// The contract step of the stable revision.
    pub contract: Option<Contract>,
    /// Contract steps that were begun, by their digests, the newest last: none of them is run again.
    pub contracted: Vec<String>,
    /// The newest one-way step: no rollback goes to a revision before it.
    pub door: Option<Door>,
}

/// An expand step that ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expanded {
    /// SHA-256 of the build, the command and its environment.
    pub digest: String,
    /// The revision it was run for.
    pub revision: RevisionNo,
    /// Whether it was told that the revision was taken back and the step stays.
    pub told_it_stays: bool,
}

/// A contract step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The revision it belongs to.
    pub revision: RevisionNo,
    /// SHA-256 of the build, the command and its environment.
    pub digest: String,
    /// Where it is.
    pub phase: ContractPhase,
}

/// Where a contract step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractPhase {
    /// The rollback window is open since then.
    Waiting {
        /// When its revision became stable.
        since: Moment,
    },
    /// It runs as this job.
    Running(InstanceId),
    /// It ended well.
    Done,
    /// It failed, and is not run again by itself.
    Failed {
        /// Its job, for the output.
        job: InstanceId,
        /// How it ended.
        why: String,
    },
}

/// A step that revisions from before it cannot work after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// The revision it belongs to.
    pub revision: RevisionNo,
    /// Whether it is the contract step; else the expand step.
    pub contract: bool,
}

impl MigrationState {
    /// An environment without any migration.
    pub fn new(app: Name, environment: Name) -> Self {
        MigrationState {
            app,
            environment,
            expanded: Vec::new(),
            contract: None,
            contracted: Vec::new(),
            door: None,
        }
    }
}
