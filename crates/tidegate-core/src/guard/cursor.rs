//! From counts that only grow to what was counted since the last look, by variant and revision.

use serde::{Deserialize, Serialize};

use super::{Sighting, sparse};
use crate::model::{CountsReport, FlagCounts, RevisionNo};

/// Gateway processes that are remembered. Those beyond are not counted at all: to forget one that still reports would count
/// everything of it again at each look.
const MOST_PROCESSES: usize = 64;

/// Counts of those who have the variant, or of the others, on one revision of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) upstream: String,
    pub(super) revision: RevisionNo,
    pub(super) on: bool,
    #[serde(with = "sparse")]
    pub(super) requests: Vec<u64>,
    #[serde(with = "sparse")]
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
        self.forget(seen.reports);
        let mut new: Vec<Counted> = Vec::new();
        for report in seen.reports {
            let now: Vec<Counted> = report.flags.iter().filter_map(|row| Counted::of(row, seen)).collect();
            if now.is_empty() {
                continue;
            }
            let Some(before) = self.before(report) else { continue };
            now.iter().for_each(|row| add(&mut new, row.since(before)));
            *before = now;
        }
        new.retain(|row| row.requests.iter().any(|n| *n > 0));
        new
    }

    /// Who is not reported of any more never will be. Where there is no report at all the gateway is only away.
    fn forget(&mut self, reports: &[&CountsReport]) {
        if !reports.is_empty() {
            let reported = |of: &str| reports.iter().any(|report| report.incarnation == of);
            self.processes.retain(|(incarnation, _)| reported(incarnation));
        }
    }

    /// What was seen of a process; `None` where there are too many.
    fn before(&mut self, report: &CountsReport) -> Option<&mut Vec<Counted>> {
        let known = self.processes.iter().position(|(incarnation, _)| *incarnation == report.incarnation);
        if known.is_none() && self.processes.len() < MOST_PROCESSES {
            self.processes.push((report.incarnation.clone(), Vec::new()));
        }
        let at = known.or_else(|| self.processes.iter().position(|(it, _)| *it == report.incarnation))?;
        self.processes.get_mut(at).map(|(_, rows)| rows)
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
