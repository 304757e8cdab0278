//! How a flag set is read, where flagd's own versions disagree.

use std::str::FromStr;

/// How a flag file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which of flagd's ways to draw a share of users; a file may name its own in its metadata (`fractional: v3`).
    pub fractional: Fractional,
}

/// The ways in which flagd hashes who is drawn. They give the same user different variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fractional {
    /// The text of the bucketing value, or flag key and targeting key one after the other: the flagd daemon and its Go,
    /// Java and JavaScript evaluators.
    #[default]
    V2,
    /// The deterministic CBOR of the bucketing value, or of `[flag key, targeting key]`: flagd's Python evaluator 2.
    V3,
}

impl Fractional {
    /// `v2` or `v3`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

impl FromStr for Fractional {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "v2" => Ok(Self::V2),
            "v3" => Ok(Self::V3),
            _ => Err(format!("`{text}` is no version of fractional: v2 or v3")),
        }
    }
}
