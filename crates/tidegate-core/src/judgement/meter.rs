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
pub struct Meter {
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

impl Meter {
    /// What was counted since the last time; rows without anything new are left out. `reports` begins with the newest process.
    pub fn take(
        &mut self,
        reports: &[&CountsReport],
        upstream: &str,
        thresholds: Option<&Thresholds>,
    ) -> Vec<Counted> {
        let mut new = Vec::new();
        for report in reports {
            let process = self.process(&report.incarnation);
            for row in report.rows.iter().filter(|row| row.upstream == upstream) {
                new.extend(process.take(row, thresholds));
            }
        }
        new
    }

    fn process(&mut self, incarnation: &str) -> &mut Process {
        let known = self.processes.iter().position(|process| process.incarnation == incarnation);
        let at = known.unwrap_or_else(|| {
            if self.processes.len() == MOST_PROCESSES {
                self.processes.remove(0);
            }
            self.processes.push(Process { incarnation: incarnation.to_owned(), rows: Vec::new() });
            self.processes.len() - 1
        });
        &mut self.processes[at]
    }
}

impl Process {
    fn take(&mut self, row: &ArmCounts, thresholds: Option<&Thresholds>) -> Option<Counted> {
        let (revision, instance) = (row.revision, row.instance.clone());
        let total = tally_of(row, thresholds);
        let known = self.rows.iter().position(|row| row.revision == revision && row.instance == instance);
        let before = match known {
            Some(at) => std::mem::replace(&mut self.rows[at].tally, total),
            None => {
                self.rows.push(Counted { revision, instance: instance.clone(), tally: total });
                Tally::default()
            }
        };
        let mut tally = total.minus(&before);
        // An answer's head is timed before the whole of it is counted: a slow one may come a window early.
        tally.slow.iter_mut().for_each(|slow| *slow = (*slow).min(tally.n));
        (tally.n > 0).then_some(Counted { revision, instance, tally })
    }
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
