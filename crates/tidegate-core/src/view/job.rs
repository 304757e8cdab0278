//! `tidegate jobs`: jobs on a schedule and their runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Exit, RevisionNo};

/// The jobs of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobList {
    /// By name.
    pub jobs: Vec<JobView>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// The revision it runs: the last one that succeeded in its environment.
    pub revision: RevisionNo,
    /// The cron expression.
    pub schedule: String,
    /// The zone it is meant in.
    pub timezone: String,
    /// `forbid`, `queue` or `allow`: what happens when it is due while a run is in progress.
    pub overlap: String,
    /// How long one attempt may take, like `1h`.
    pub timeout: String,
    /// How often a run that failed is tried again.
    pub retries: u32,
    /// A missed slot is made up for where it is younger than this, like `5m`.
    pub catch_up: String,
    /// When it is due next: RFC 3339 in UTC. `None` where it is not in its revision any more.
    pub next: Option<String>,
    /// The same as the clocks of its zone show it.
    pub next_local: Option<String>,
    /// Its newest run that is over.
    pub last: Option<JobRunView>,
    /// Its runs that are not over, oldest first.
    pub open: Vec<JobRunView>,
    /// Slots left out since the run in progress began.
    pub skipped: u64,
}

/// The runs of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobHistory {
    /// The newest first.
    pub runs: Vec<JobRunView>,
}

/// A run of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobRunView {
    /// Its number within the job.
    pub number: u64,
    /// `due`, `caught up` (its slot was missed a short while before) or `asked` (by a person).
    pub cause: String,
    /// The slot it is for, or when it was asked for: RFC 3339 in UTC.
    pub slot: String,
    /// `queued`, `running`, `waiting` (for the next attempt), `succeeded`, `failed`.
    pub phase: String,
    /// The revision of its newest attempt.
    pub revision: Option<RevisionNo>,
    /// The units of its attempts, the newest last: their output is found by these names.
    pub attempts: Vec<String>,
    /// When its first attempt began: RFC 3339 in UTC.
    pub started: Option<String>,
    /// When it was over: RFC 3339 in UTC.
    pub ended: Option<String>,
    /// From its first attempt until it was over, in seconds.
    pub seconds: Option<f64>,
    /// How its newest attempt that ended did so.
    pub exit: Option<Exit>,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// The last lines of an attempt that failed.
    pub last_output: Vec<String>,
}
