//! `tidegate deploy --json` and `tidegate run`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Exit, RevisionNo, RolloutId};

/// A deploy: while it runs and when it is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeployView {
    /// Its number.
    pub id: u64,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// `building`, `migrating`, `rolling`, `done`, `failed`.
    pub phase: String,
    /// The build it uses, by its first 12 characters.
    pub build: String,
    /// The revision, once there is one.
    pub revision: Option<RevisionNo>,
    /// Its services.
    pub services: Vec<DeployedService>,
    /// Why it ended before a rollout was made.
    pub error: Option<String>,
    /// The job whose output tells more: the build or the migration.
    pub job: Option<String>,
    /// Whether nothing more follows.
    pub over: bool,
    /// Whether every rollout succeeded (false while it runs).
    pub succeeded: bool,
    /// From the request until now, or until it was over.
    pub seconds: f64,
}

/// One service of a deploy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeployedService {
    /// Its name.
    pub name: String,
    /// Its rollout; `None` where the revision already served.
    pub rollout: Option<RolloutId>,
    /// The rollout's phase; `succeeded` where the revision already served.
    pub phase: String,
    /// The revision.
    pub revision: RevisionNo,
    /// Why it was taken back, or why there was nothing to do.
    pub reason: Option<String>,
}

/// A one-off command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its name; also the name its output is found under.
    pub id: String,
    /// The revision whose build and environment it runs in.
    pub revision: RevisionNo,
    /// How it ended; `None` while it runs.
    pub exit: Option<Exit>,
}
