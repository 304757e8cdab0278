//! What came of the copies of a service's requests.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The copies of one upstream's requests, since the gateway's process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorReport {
    /// The upstream whose requests are copied.
    pub upstream: String,
    /// What became of them.
    pub counts: MirrorCounts,
    /// The latest answers that differed, oldest first; a few.
    #[serde(default)]
    pub latest: Vec<MirrorDifference>,
    /// Requests that stable was asked a second time as well, by revisions; the latest few.
    #[serde(default)]
    pub compared: Vec<Compared>,
}

/// Requests of which there are three answers: that which the client got, that of the candidate, and a second one of stable. One
/// without an answer differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The revision that answered the client, as in `tidegate-revision`.
    pub stable: String,
    /// The revision that got the copies.
    pub candidate: String,
    /// How many.
    pub requests: u64,
    /// Of these, those that the candidate answered otherwise.
    pub candidate_differs: u64,
    /// Those that stable itself answered otherwise the second time.
    pub stable_differs: u64,
    /// Those that are both.
    pub both_differ: u64,
}

/// Copies by what became of them. No copy counts in the evidence of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MirrorCounts {
    /// Answered as the original was.
    pub same: u64,
    /// Answered otherwise.
    pub different: u64,
    /// Not answered: no connection, a broken one, or too late.
    pub failed: u64,
    /// Answered, but the original was not to its end: nothing to compare with.
    pub alone: u64,
    /// Not sent: the request's body is too large to be kept.
    pub too_large: u64,
    /// Not sent: the request's body broke off.
    pub incomplete: u64,
    /// Not sent: too many copies were under way, or there was no instance to take it.
    pub dropped: u64,
}

/// One request that was answered in two ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorDifference {
    /// Its `x-request-id`.
    pub request: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query, cut off where it is long.
    pub path: String,
    /// What differs: `status`, `body`, or the name of a field.
    pub differs: Vec<String>,
    /// The answer that the client got.
    pub original: MirrorAnswer,
    /// The answer to the copy.
    pub copy: MirrorAnswer,
}

/// One of two answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MirrorAnswer {
    /// The revision that gave it, as in `tidegate-revision`.
    pub revision: String,
    /// Its status.
    pub status: u16,
    /// Bytes of its body that were read.
    pub bytes: u64,
    /// Whether that was all of it.
    pub whole: bool,
    /// SHA-256 of the first MiB of its body, in hex.
    pub sha256: String,
    /// From the request to the answer's head, in milliseconds.
    pub latency_ms: u64,
}

/// `GET /price: 200 to 500 (status, body)`: nothing of what was asked or answered besides.
impl fmt::Display for MirrorDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = (self.original.status, self.copy.status);
        write!(f, "{} {}: ", self.method, self.path)?;
        match statuses {
            (one, 0) => return write!(f, "{one} to no answer"),
            (one, other) if one == other => write!(f, "{one}")?,
            (one, other) => write!(f, "{one} to {other}")?,
        }
        write!(f, " ({})", self.differs.join(", "))
    }
}
