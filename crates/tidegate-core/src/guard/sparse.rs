//! Counts by cell as they are written down: those that are not zero, each with its cell. Most cells of a new release are empty, and
//! a row of each service, revision and gateway process is kept. For `#[serde(with = "sparse")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::FLAG_CELLS;

/// As it was or is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    /// Every cell, as long ago.
    All(Vec<u64>),
    /// Those that are not zero.
    Some(Vec<(usize, u64)>),
}

pub(super) fn serialize<S: Serializer>(counts: &[u64], out: S) -> Result<S::Ok, S::Error> {
    let some: Vec<(usize, u64)> =
        counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
    some.serialize(out)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let mut counts = vec![0; FLAG_CELLS];
    match Written::deserialize(from)? {
        Written::All(all) => counts.iter_mut().zip(all).for_each(|(count, n)| *count = n),
        Written::Some(some) => {
            for (cell, n) in some {
                if let Some(count) = counts.get_mut(cell) {
                    *count = n;
                }
            }
        }
    }
    Ok(counts)
}
