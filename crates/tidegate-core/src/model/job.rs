//! A job on a schedule: what its revision says of it, the state kept for it, and its runs.
//!
//! The process of a run is a [`Job`](super::Job), like that of a build or a migration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Exit, InstanceId, Limits, RevisionNo, ServiceKey};
use crate::time::{Millis, Moment};

/// One job of a revision, validated, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The command, run by `/bin/sh -c` in the build's directory.
    pub run: String,
    /// When, as [`Schedule`](crate::schedule::Schedule) reads it.
    pub schedule: String,
    /// The time zone it is meant in, by its IANA name.
    pub timezone: String,
    /// What happens when it is due while a run of it is in progress.
    pub overlap: Overlap,
    /// How long one attempt may take.
    pub timeout: Millis,
    /// How often a run that failed is tried again.
    pub retries: u32,
    /// How many runs that are over are kept.
    pub history: u32,
    /// A missed slot is made up for where it is younger than this.
    pub catch_up: Millis,
    /// What an attempt may use.
    pub limits: Limits,
    /// Its environment: the app's, the environment's and its own, merged.
    pub env: BTreeMap<String, String>,
}

impl JobSpec {
    /// The zone of a schedule that names none.
    pub const TIMEZONE: &'static str = "UTC";
    /// The default time for one attempt.
    pub const TIMEOUT: Millis = Millis::seconds(3_600);
    /// The default number of runs kept.
    pub const HISTORY: u32 = 20;
    /// The default age up to which a missed slot is made up for.
    pub const CATCH_UP: Millis = Millis::seconds(300);
}

/// What happens when a job is due while a run of it is in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The slot is left out.
    #[default]
    Forbid,
    /// It runs when the run in progress is over.
    Queue,
    /// Both run.
    Allow,
}

impl Overlap {
    /// The word for it in the manifest and in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Overlap::Forbid => "forbid",
            Overlap::Queue => "queue",
            Overlap::Allow => "allow",
        }
    }
}

/// What is kept for a job of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// Which job: its name stands where a service's does. An app has no job and service of the same name.
    pub key: ServiceKey,
    /// The revision it runs.
    pub revision: RevisionNo,
    /// The schedule its slots are of.
    pub schedule: String,
    /// The zone of the schedule.
    pub timezone: String,
    /// Every slot up to here was decided about, in milliseconds since the Unix epoch. It never goes back by less than
    /// a day, so that no slot is run twice.
    pub decided_unix_ms: u64,
    /// The number of its last run; the first is 1.
    pub runs: u64,
    /// Slots left out since the run in progress began.
    pub skipped: u64,
}

/// One run of a job: one slot of its schedule, or one request, with all attempts at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRun {
    /// The job.
    pub key: ServiceKey,
    /// Its number, unique within the job.
    pub number: u64,
    /// Why it was made.
    pub cause: RunCause,
    /// The slot it is for, in milliseconds since the Unix epoch; when it was asked for, where a person did.
    pub slot_unix_ms: u64,
    /// Where it is.
    pub phase: RunPhase,
    /// The revision of the newest attempt; `None` before the first.
    pub revision: Option<RevisionNo>,
    /// The processes of its attempts, the newest last.
    pub attempts: Vec<InstanceId>,
    /// When its first attempt began, in milliseconds since the Unix epoch.
    pub started_unix_ms: Option<u64>,
    /// When it was over, in milliseconds since the Unix epoch.
    pub ended_unix_ms: Option<u64>,
    /// How the newest attempt that ended did so.
    pub exit: Option<Exit>,
    /// The last lines of an attempt that failed.
    pub last_output: Vec<String>,
}

/// Why a run was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunCause {
    /// Its slot was due.
    Due,
    /// Its slot was missed a short while ago.
    CaughtUp,
    /// A person asked for it.
    Asked,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// It waits for its first attempt.
    Queued,
    /// An attempt runs.
    Running,
    /// The last attempt failed; the next one is due then.
    Waiting {
        /// When.
        until: Moment,
    },
    /// An attempt ended well.
    Succeeded,
    /// No attempt did, and none follows.
    Failed,
}

impl RunPhase {
    /// Whether it is over.
    pub fn is_over(self) -> bool {
        match self {
            RunPhase::Succeeded | RunPhase::Failed => true,
            RunPhase::Queued | RunPhase::Running | RunPhase::Waiting { .. } => false,
        }
    }

    /// Whether an attempt was made and the run is not over.
    pub fn is_in_progress(self) -> bool {
        matches!(self, RunPhase::Running | RunPhase::Waiting { .. })
    }

    /// The word for it in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            RunPhase::Queued => "queued",
            RunPhase::Running => "running",
            RunPhase::Waiting { .. } => "waiting",
            RunPhase::Succeeded => "succeeded",
            RunPhase::Failed => "failed",
        }
    }
}

impl JobState {
    /// A job from `revision` on, whose slots count from `unix_ms`.
    pub fn new(key: ServiceKey, revision: RevisionNo, spec: &JobSpec, unix_ms: u64) -> Self {
        JobState {
            key,
            revision,
            schedule: spec.schedule.clone(),
            timezone: spec.timezone.clone(),
            decided_unix_ms: unix_ms,
            runs: 0,
            skipped: 0,
        }
    }
}

impl JobRun {
    /// A run that waits for its first attempt.
    pub fn new(key: ServiceKey, number: u64, cause: RunCause, slot_unix_ms: u64) -> Self {
        JobRun {
            key,
            number,
            cause,
            slot_unix_ms,
            phase: RunPhase::Queued,
            revision: None,
            attempts: Vec::new(),
            started_unix_ms: None,
            ended_unix_ms: None,
            exit: None,
            last_output: Vec::new(),
        }
    }
}
