//! How far a chain had come at some time: kept apart from it, so that what is missing at its end is missed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::begin;
use super::hash::Hash;

/// The last entry of a chain at some time. As text `SEQ:HASH`, which leaves the rest out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditAnchor")]
pub struct Anchor {
    /// The installation whose chain it is; empty where that is not known.
    #[serde(default)]
    pub installation: String,
    /// The number of the entry; 0: there was none.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// When it was the last one: milliseconds since the Unix epoch; 0 where that is not known.
    #[serde(default)]
    pub at_ms: u64,
}

/// A text that is no anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an anchor is the number of an entry and its hash, like 17:9f86d081…")]
pub struct NoAnchor;

impl Anchor {
    /// That of a chain without an entry.
    pub fn of_nothing(installation: &str, at_ms: u64) -> Self {
        Anchor { installation: installation.to_owned(), seq: 0, hash: begin(installation), at_ms }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = NoAnchor;
    fn from_str(text: &str) -> Result<Self, NoAnchor> {
        let (seq, hash) = text.trim().split_once(':').ok_or(NoAnchor)?;
        let (seq, hash) = (seq.parse().map_err(|_| NoAnchor)?, hash.parse().map_err(|_| NoAnchor)?);
        Ok(Anchor { installation: String::new(), seq, hash, at_ms: 0 })
    }
}
