//! One user of an experiment, and what they did: kept until their time is over, and under no name of theirs.

use serde::{Deserialize, Serialize};

use super::design::Design;
use super::visits::Visits;

/// What a user is known by: a keyed digest, which only whoever has the key can make of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserDigest(pub [u8; 16]);

/// A user as they were seen first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The place of the variant they were seen with first.
    pub place: usize,
    /// When they were: milliseconds since the Unix epoch, as the sender says.
    pub seen_at_unix_ms: u64,
    /// Whether they were seen with another variant too: then they are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crossed: bool,
    /// What the gateway saw of their requests; `None`: it never saw them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visits: Option<Visits>,
    /// What they came to, once their time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f64>>,
}

/// One event of a user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// The place of its metric.
    pub metric: usize,
    /// When it was: milliseconds since the Unix epoch, as the sender says.
    pub at_unix_ms: u64,
    /// How much.
    pub value: f64,
}

impl UserDigest {
    /// In hex.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From 32 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut digest = [0; 16];
        if digits.len() != 2 * digest.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, two) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
        }
        Some(UserDigest(digest))
    }
}

impl User {
    /// Their values, one for each metric and not cut, and how many of their events were not in their time. `None`: a metric is the
    /// gateway's, and it never saw them.
    pub fn sums(&self, design: &Design, measures: &[Measure]) -> (Option<Vec<f64>>, u64) {
        let (posted, outside) = self.posted(design, measures);
        if self.visits.is_none() && design.asks_gateway() {
            return (None, outside);
        }
        let visits = self.visits.unwrap_or_default();
        let each = design.metrics.iter().zip(posted);
        (Some(each.map(|(metric, posted)| metric.source().value(posted, visits)).collect()), outside)
    }

    /// The sums of the events that were in their time.
    fn posted(&self, design: &Design, measures: &[Measure]) -> (Vec<f64>, u64) {
        let (mut sums, mut outside) = (vec![0.0; design.metrics.len()], 0);
        let end = self.seen_at_unix_ms.saturating_add(design.within.0);
        for measure in measures {
            if !(self.seen_at_unix_ms..=end).contains(&measure.at_unix_ms) {
                outside += 1;
            } else if let Some(sum) = sums.get_mut(measure.metric) {
                *sum += measure.value;
            }
        }
        (sums, outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_and_read() {
        let digest = UserDigest(std::array::from_fn(|n| n as u8 * 17));
        assert_eq!(digest.to_hex(), "00112233445566778899aabbccddeeff");
        assert_eq!(UserDigest::from_hex(&digest.to_hex()), Some(digest));
        for bad in ["", "00", "+0112233445566778899aabbccddeeff", &"0".repeat(33)] {
            assert_eq!(UserDigest::from_hex(bad), None, "{bad}");
        }
    }
}
