//! `tidegate doctor --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the machine and the data directory can and cannot do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorReport {
    /// The findings, worst first.
    pub findings: Vec<DoctorFinding>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorFinding {
    /// How bad.
    pub severity: Severity,
    /// What was looked at: `cgroup`, `user`, `disk`, `gateway`, …
    pub check: String,
    /// What was found.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does not work.
    Error,
    /// It works, with less than was asked for.
    Warning,
    /// As it should be.
    Ok,
}
