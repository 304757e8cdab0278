//! What the shell sees of a run's processes, workspaces and deploys. Levels, not events.

use crate::model::{Exit, TestCounts};
use crate::time::Moment;

/// A process of a step, or one beside it. One that is not known any more was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessSight {
    /// It runs, or is about to.
    Running {
        /// The port it was given.
        port: Option<u16>,
        /// Whether that port accepts.
        ready: bool,
        /// When its start was asked for.
        since: Moment,
    },
    /// It ended.
    Ended(Exit),
}

/// A workspace. Of one that is missing nothing was begun since this control plane started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceSight {
    /// It is being laid out, or what was left in it is being taken in.
    Busy,
    /// It is there.
    Ready,
    /// What was left in it is taken in.
    Gathered {
        /// What its reports say.
        tests: Option<TestCounts>,
    },
    /// It could not be laid out, or what it has could not be taken in.
    Failed(String),
}

/// A deploy that a run entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploySight {
    /// Its build, its migration or its rollouts are in progress.
    Going,
    /// Its candidates are ready and have no user.
    Held,
    /// Its rollouts succeeded.
    Succeeded,
    /// It changed nothing, or was taken back.
    Failed(String),
}

/// Whether a deploy may begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// It may not.
    Closed {
        /// Why.
        why: String,
        /// When to look again.
        until: Option<Moment>,
    },
}
