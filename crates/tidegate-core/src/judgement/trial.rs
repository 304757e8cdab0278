//! Two revisions side by side for days: what each of them led to, and how sure the difference is however often anyone looks.
//!
//! Requests of one client are alike, so they are counted in cells of clients, and the spread between the cells is what says how
//! much chance there is in a share. [`Trial::effects`] gives an interval for the difference that holds at all times at once.

use serde::{Deserialize, Serialize};

use crate::interval::Sequence;
use crate::model::{CELLS, CountsReport, OutcomeCounts, RevisionNo};

/// Intervals hold at all times together with this probability.
pub const CONFIDENCE: f64 = 0.95;
/// The interval is narrowest, for what it costs, about here: requests of the smaller side.
const TUNED_FOR: f64 = 10_000.0;
/// With fewer requests on a side, or fewer cells used, nothing is said of chance.
const FEWEST: u64 = 100;
const FEWEST_CELLS: usize = 20;
/// Gateway processes that are remembered.
const MOST_PROCESSES: usize = 4;

/// What is kept of it, a part of the rollout's judgement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    stable: Side,
    candidate: Side,
    processes: Vec<Process>,
}

/// What one gateway process had counted when it was last heard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Process {
    incarnation: String,
    stable: Side,
    candidate: Side,
}

/// The counts of one side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Side {
    requests: Vec<u64>,
    counted: Vec<(String, Vec<u64>)>,
}

/// One outcome on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Its name.
    pub name: String,
    /// Stable's requests, and those that count.
    pub stable: (u64, u64),
    /// The candidate's.
    pub candidate: (u64, u64),
    /// The candidate's share less stable's.
    pub difference: f64,
    /// Between what the true difference lies, at all times with [`CONFIDENCE`]; `None` while there is too little to say.
    pub between: Option<(f64, f64)>,
}

impl Trial {
    /// Takes what was counted since the last time. The first time it only notes what was there before.
    pub(super) fn take(
        &mut self,
        reports: &[&CountsReport],
        upstream: &str,
        (stable, candidate): (RevisionNo, RevisionNo),
    ) {
        let first = self.processes.is_empty();
        for report in reports {
            let of = |revision| Side::of(report, upstream, revision);
            let now = Process {
                incarnation: report.incarnation.clone(),
                stable: of(stable),
                candidate: of(candidate),
            };
            let known = self.processes.iter().position(|known| known.incarnation == now.incarnation);
            let before = known.map(|at| self.processes.remove(at));
            if !first {
                let before = before.unwrap_or_default();
                self.stable.add(&now.stable, &before.stable);
                self.candidate.add(&now.candidate, &before.candidate);
            }
            self.processes.push(now);
        }
        let earlier = self.processes.len().saturating_sub(MOST_PROCESSES);
        self.processes.drain(..earlier);
    }

    /// Every outcome that was counted.
    pub fn effects(&self) -> Vec<Effect> {
        let names = self.stable.counted.iter().chain(&self.candidate.counted).map(|(name, _)| name);
        let mut all: Vec<&String> = Vec::new();
        names.for_each(|name| {
            if !all.contains(&name) {
                all.push(name);
            }
        });
        all.into_iter().map(|name| self.effect(name)).collect()
    }

    fn effect(&self, name: &str) -> Effect {
        let (stable, candidate) = (self.stable.share(name), self.candidate.share(name));
        let difference = candidate.rate - stable.rate;
        let between = margin(&stable, &candidate).map(|margin| (difference - margin, difference + margin));
        Effect {
            name: name.to_owned(),
            stable: (stable.requests, stable.counted),
            candidate: (candidate.requests, candidate.counted),
            difference,
            between,
        }
    }
}

/// A share with what chance there is in it.
#[derive(Clone, Copy, Debug)]
struct Share {
    requests: u64,
    counted: u64,
    rate: f64,
    /// The square of its standard error, by the spread between cells; `None` where there are too few.
    variance: Option<f64>,
}

/// Half the width of the interval. What counts as time is the number of observations that two sides as large would have.
fn margin(stable: &Share, candidate: &Share) -> Option<f64> {
    let variance = stable.variance? + candidate.variance?;
    let (n_b, n_c) = (stable.requests as f64, candidate.requests as f64);
    let time = n_b * n_c / (n_b + n_c);
    Some(Sequence::new(1.0 - CONFIDENCE, TUNED_FOR).margin(variance, time))
}

impl Side {
    fn of(report: &CountsReport, upstream: &str, revision: RevisionNo) -> Side {
        let mine = |counts: &&OutcomeCounts| counts.upstream == upstream && counts.revision == revision;
        let found = report.outcomes.iter().find(mine);
        found.map_or_else(Side::default, |counts| Side {
            requests: counts.requests.clone(),
            counted: counts.counted.clone(),
        })
    }

    /// Adds what `now` has more than `before`.
    fn add(&mut self, now: &Side, before: &Side) {
        add(&mut self.requests, &now.requests, &before.requests);
        for (name, cells) in &now.counted {
            let at = self.counted.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                self.counted.push((name.clone(), Vec::new()));
                self.counted.len() - 1
            });
            add(&mut self.counted[at].1, cells, before.cells(name));
        }
    }

    fn cells(&self, name: &str) -> &[u64] {
        self.counted.iter().find(|(known, _)| known == name).map_or(&[], |(_, cells)| cells)
    }

    fn share(&self, name: &str) -> Share {
        let counted = self.cells(name);
        let (requests, sum) = (self.requests.iter().sum::<u64>(), counted.iter().sum::<u64>());
        let rate = if requests == 0 { 0.0 } else { sum as f64 / requests as f64 };
        let used = self.requests.iter().filter(|requests| **requests > 0).count();
        let known = requests >= FEWEST && used >= FEWEST_CELLS;
        let squares = self.requests.iter().enumerate().map(|(cell, n)| {
            let x = counted.get(cell).copied().unwrap_or_default() as f64;
            (x - rate * *n as f64).powi(2)
        });
        let spread: f64 = squares.sum();
        // Where nothing was counted yet the spread is none, and chance is not.
        let least = (rate * (1.0 - rate)).max(1.0 / requests.max(1) as f64) / requests.max(1) as f64;
        let by_cells = spread * used as f64 / (used.max(2) - 1) as f64 / (requests.max(1) as f64).powi(2);
        Share { requests, counted: sum, rate, variance: known.then(|| by_cells.max(least)) }
    }
}

fn add(sum: &mut Vec<u64>, now: &[u64], before: &[u64]) {
    sum.resize(sum.len().max(now.len().min(CELLS)), 0);
    for (cell, count) in sum.iter_mut().enumerate() {
        let of = |cells: &[u64]| cells.get(cell).copied().unwrap_or_default();
        *count = count.saturating_add(of(now).saturating_sub(of(before)));
    }
}
