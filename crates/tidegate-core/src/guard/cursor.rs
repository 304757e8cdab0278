//! From counts that only grow to what was counted since the last look, by variant and revision.

use serde::{Deserialize, Serialize};

use super::Sighting;
use crate::model::{CountsReport, FlagCounts, RevisionNo};

/// Gateway processes that are remembered; those beyond, the oldest first, have long ended.
const MOST_PROCESSES: usize = 4;

/// Counts of those who have the variant, or of the others, on one revision of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) upstream: String,
    pub(super) revision: RevisionNo,
    pub(super) on: bool,
    pub(super) requests: Vec<u64>,
    pub(super) bad: Vec<u64>,
}

/// What was last seen of each gateway process. The gateway counts each version of a flag's state from zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    version: u64,
    processes: Vec<(String, Vec<Counted>)>,
}

impl Cursor {
    /// What is new, and whether that is of a version that was not seen before.
    pub(super) fn take(&mut self, seen: &Sighting<'_>) -> Vec<Counted> {
        if self.version != seen.version {
            *self = Cursor { version: seen.version, processes: Vec::new() };
        }
        let mut new: Vec<Counted> = Vec::new();
        for report in seen.reports {
            let now: Vec<Counted> = report.flags.iter().filter_map(|row| Counted::of(row, seen)).collect();
            let before = self.before(report);
            now.iter().for_each(|row| add(&mut new, row.since(before)));
            *before = now;
        }
        new.retain(|row| row.requests.iter().any(|n| *n > 0));
        new
    }

    fn before(&mut self, report: &CountsReport) -> &mut Vec<Counted> {
        let known = self.processes.iter().position(|(incarnation, _)| *incarnation == report.incarnation);
        let at = known.unwrap_or_else(|| {
            if self.processes.len() == MOST_PROCESSES {
                self.processes.remove(0);
            }
            self.processes.push((report.incarnation.clone(), Vec::new()));
            self.processes.len() - 1
        });
        &mut self.processes[at].1
    }
}

impl Counted {
    /// The row, if it is about this flag and one of its two variants.
    fn of(row: &FlagCounts, seen: &Sighting<'_>) -> Option<Counted> {
        let about = row.flag == *seen.flag && row.version == seen.version && seen.covers(&row.upstream);
        let on = row.variant == seen.on;
        (about && (on || row.variant == seen.off)).then(|| Counted {
            upstream: row.upstream.clone(),
            revision: row.revision,
            on,
            requests: row.requests.clone(),
            bad: row.bad.clone(),
        })
    }

    fn is_like(&self, other: &Counted) -> bool {
        self.upstream == other.upstream && self.revision == other.revision && self.on == other.on
    }

    fn since(&self, before: &[Counted]) -> Counted {
        let before = before.iter().find(|before| before.is_like(self));
        let less = |now: &[u64], before: Option<&Vec<u64>>| {
            let of = |cell: usize| before.and_then(|cells| cells.get(cell)).copied().unwrap_or_default();
            now.iter().enumerate().map(|(cell, n)| n.saturating_sub(of(cell))).collect()
        };
        Counted {
            requests: less(&self.requests, before.map(|row| &row.requests)),
            bad: less(&self.bad, before.map(|row| &row.bad)),
            ..self.clone()
        }
    }
}

/// Adds the row to the one like it: two gateways may count at the same time.
fn add(rows: &mut Vec<Counted>, row: Counted) {
    let Some(there) = rows.iter_mut().find(|there| there.is_like(&row)) else { return rows.push(row) };
    for (sum, more) in [(&mut there.requests, &row.requests), (&mut there.bad, &row.bad)] {
        sum.resize(sum.len().max(more.len()), 0);
        sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
    }
}
