//! What a commit's manifest says of its pipeline: every default filled in, every matrix written out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FlagKey, Limits, Name};
use crate::time::Millis;

/// The pipeline of an app: its stages in the order of the manifest. None needs a later one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineSpec {
    /// The stages; names are unique.
    pub stages: Vec<StageSpec>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSpec {
    /// Its name.
    pub name: Name,
    /// What is done in it.
    pub work: StageWork,
    /// The stages that must have succeeded (or been left out) before it begins.
    pub needs: Vec<Name>,
    /// For which runs; for others it is left out.
    pub when: RunFilter,
    /// Whether its steps run at the same time, as far as the queue lets them; else one after the other.
    pub parallel: bool,
    /// How long the whole stage may take.
    pub timeout: Millis,
}

/// What is done in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageWork {
    /// The app's build command. The same input is built once.
    Build,
    /// Commands, each in a copy of the build, or of the commit where no stage before it builds.
    Steps(Vec<StepSpec>),
    /// The build becomes a revision of the environment and its candidates start. Over once the rollouts are; where a smoke stage
    /// follows, as soon as the candidates are ready, with no user on them.
    Deploy,
    /// Commands that ask the candidates, reached by a header that nobody else knows, before they get users.
    Smoke(Vec<StepSpec>),
    /// The rollouts go on to their end, judged on live traffic.
    Verify,
    /// Flags that are released once all of it succeeded.
    Release(BTreeMap<FlagKey, String>),
}

/// One command of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// Its name, unique in its stage; one of a matrix names its values: `unit (node 20)`.
    pub name: String,
    /// The command, run by `/bin/sh -c`.
    pub run: String,
    /// Its environment, the values of its matrix among them. Nothing of the app's environments.
    pub env: BTreeMap<String, String>,
    /// The names of secrets it gets as variables: no other step sees them.
    pub secrets: Vec<String>,
    /// How long one attempt may take.
    pub timeout: Millis,
    /// How often it is tried again where it fails.
    pub retries: u32,
    /// Folders kept from run to run, relative to the workspace.
    pub cache: Vec<String>,
    /// Files and folders that later stages get, and that are kept with the run; relative, `*` within a part.
    pub artifacts: Vec<String>,
    /// JUnit reports that are read when it ends; relative, `*` within a part.
    pub reports: Vec<String>,
    /// Processes that run beside it, a database say.
    pub beside: BTreeMap<Name, BesideSpec>,
    /// What it may use.
    pub limits: Limits,
    /// Whether it has no network but one of its own, in which nobody else is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// A process that runs beside a step. It gets `PORT`; the step gets `NAME_PORT` and `NAME_ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BesideSpec {
    /// The command.
    pub run: String,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// How long it may take until its port accepts.
    pub within: Millis,
}

/// For which runs something is. Empty lists: for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// Patterns of branches: `main`, `release/*`.
    pub branches: Vec<String>,
    /// Environments.
    pub environments: Vec<Name>,
}

impl BesideSpec {
    /// The variables by which a step finds the one of this name: `DB_PORT` and `DB_ADDRESS` (`127.0.0.1:PORT`).
    pub fn variables(name: &Name) -> [String; 2] {
        let name = name.as_str().to_ascii_uppercase().replace('-', "_");
        ["PORT", "ADDRESS"].map(|what| format!("{name}_{what}"))
    }
}
