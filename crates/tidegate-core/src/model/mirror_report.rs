//! What came of the copies of a service's requests.

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
}

/// Copies by what became of them. No copy counts in the evidence of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
