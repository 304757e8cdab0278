//! `tidegate events --json` and `tidegate logs --json`: one object a line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::RevisionNo;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEvent {
    /// Its number: later events have higher ones.
    pub seq: u64,
    /// When: RFC 3339 in UTC with milliseconds.
    pub at: String,
    /// What: a stable code.
    pub kind: String,
    /// The app.
    pub app: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// The revision.
    pub revision: Option<RevisionNo>,
    /// The instance.
    pub instance: Option<String>,
    /// One sentence.
    pub message: String,
}

/// One line of output of an instance or job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// When the shim read it: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// The instance or job.
    pub instance: String,
    /// `out` or `err`.
    pub stream: String,
    /// The line without its end; invalid UTF-8 replaced; at most 64 KiB.
    pub line: String,
}
