//! From counts that only grow to what was counted since the last look.

use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::judge::Tally;
use crate::model::{ArmCounts, CountsReport, InstanceId, RevisionNo};

/// Gateway processes that are remembered; those beyond, the oldest first, have long ended.
const MOST_PROCESSES: usize = 16;

/// What was last seen of each gateway process. One that is seen for the first time later than the others began after them, so
/// all it counted is new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    processes: Vec<Process>,
}

/// The counts of one gateway process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    incarnation: String,
    rows: Vec<Counted>,
}

/// Requests of one instance of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Whose.
    pub revision: RevisionNo,
    /// `None`: the arm had no instance to give.
    pub instance: Option<InstanceId>,
    /// How many, and how they ended.
    pub tally: Tally,
}

impl Cursor {
    /// What was counted since the last time; rows without anything new are left out. `reports` begins with the newest process.
    pub fn take(
        &mut self,
        reports: &[&CountsReport],
        upstream: &str,
        thresholds: Option<&Thresholds>,
    ) -> Vec<Counted> {
        let mut new = Vec::new();
        for report in reports {
            let rows = report.rows.iter().filter(|row| row.upstream == upstream);
            let now: Vec<Counted> = rows.map(|row| total(row, thresholds)).collect();
            let before = self.before(&report.incarnation);
            new.extend(now.iter().filter_map(|row| row.since(before)));
            *before = now;
        }
        new
    }

    /// The rows this process reported the last time. What it reports no more is not kept: its instance is gone.
    fn before(&mut self, incarnation: &str) -> &mut Vec<Counted> {
        let known = self.processes.iter().position(|process| process.incarnation == incarnation);
        let at = known.unwrap_or_else(|| {
            if self.processes.len() == MOST_PROCESSES {
                self.processes.remove(0);
            }
            self.processes.push(Process { incarnation: incarnation.to_owned(), rows: Vec::new() });
            self.processes.len() - 1
        });
        &mut self.processes[at].rows
    }
}

impl Counted {
    /// What is new since these rows; `None` where nothing is.
    fn since(&self, before: &[Counted]) -> Option<Counted> {
        let same = |row: &&Counted| row.revision == self.revision && row.instance == self.instance;
        let mut tally = match before.iter().find(same) {
            Some(before) => self.tally.minus(&before.tally),
            None => self.tally,
        };
        // An answer's head is timed before the whole of it is counted: a slow one may come a window early.
        tally.slow.iter_mut().for_each(|slow| *slow = (*slow).min(tally.n));
        (tally.n > 0).then(|| Counted { tally, ..self.clone() })
    }
}

/// All a row counts.
fn total(row: &ArmCounts, thresholds: Option<&Thresholds>) -> Counted {
    Counted { revision: row.revision, instance: row.instance.clone(), tally: tally_of(row, thresholds) }
}

fn tally_of(row: &ArmCounts, thresholds: Option<&Thresholds>) -> Tally {
    let outcomes = &row.outcomes;
    Tally {
        n: outcomes.total(),
        bad: outcomes.bad(),
        slow: thresholds
            .map_or(Tally::default().slow, |limits| limits.slower(&row.latencies, outcomes.timeout)),
    }
}
