//! One user of an experiment, and what they did: kept until their time is over, and under no name of theirs.

use serde::{Deserialize, Serialize};

use super::design::Design;

/// What a user is known by: a keyed digest, which only whoever has the key can make of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserDigest(pub [u8; 16]);

/// A user as they were seen first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The place of the variant they were seen with first.
    pub place: usize,
    /// When they were: milliseconds since the Unix epoch, as the sender says.
    pub seen_at_unix_ms: u64,
    /// Whether they were seen with another variant too: then they are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crossed: bool,
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

impl User {
    /// The sums of the events that were in their time, one for each metric, and how many events were not.
    pub fn sums(&self, design: &Design, measures: &[Measure]) -> (Vec<f64>, u64) {
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
