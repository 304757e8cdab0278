//! Some of the candidate's bad answers, to be found in logs.

use serde::{Deserialize, Serialize};

use super::Sighting;
use crate::model::BadRequest;

/// Kept of one rollout: the first ones.
const MOST_SAMPLES: usize = 10;

/// The samples of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Samples {
    /// Ids of those that were there before.
    before: Vec<String>,
    pub(super) kept: Vec<BadRequest>,
}

impl Samples {
    /// Begins: what is reported by now is no part of it.
    pub(super) fn begin(seen: &Sighting<'_>) -> Self {
        Samples { before: reported(seen).map(|sample| sample.id).collect(), kept: Vec::new() }
    }

    /// Takes in those that are new. Gateways report each for a while.
    pub(super) fn take(&mut self, seen: &Sighting<'_>) {
        if self.kept.len() >= MOST_SAMPLES {
            return;
        }
        for sample in reported(seen) {
            let known = self.before.contains(&sample.id) || self.kept.iter().any(|kept| kept.id == sample.id);
            if !known && self.kept.len() < MOST_SAMPLES {
                self.kept.push(sample);
            }
        }
    }
}

fn reported<'a>(seen: &Sighting<'a>) -> impl Iterator<Item = BadRequest> + use<'a> {
    let (upstream, candidate) = (seen.upstream, seen.candidate);
    let rows = seen.reports.iter().flat_map(|report| &report.rows);
    let rows = rows.filter(move |row| row.upstream == upstream && row.revision == candidate);
    rows.flat_map(|row| {
        row.samples.iter().map(|sample| BadRequest { instance: row.instance.clone(), ..sample.clone() })
    })
}
