//! Tells a bad instance from a bad revision. Beside the [`Judge`](super::Judge), which looks at the arm as a whole, this looks at each
//! instance of the candidate: against the others of the candidate, and at what the arm would be without it.

use serde::{Deserialize, Serialize};

use super::bet::Bet;
use super::case::Case;
use super::{Count, Decision, Policy, Tally};
use crate::model::{InstanceId, Judged, Verdict};

/// Instances that are followed; those beyond count for the arm alone.
pub const MOST_INSTANCES: usize = 64;

/// The view of the candidate by instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instances {
    /// The arm against stable: what a new instance is left out of.
    arm: Case,
    rows: Vec<Row>,
}

/// What is known of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    instance: InstanceId,
    total: Tally,
    /// It against the other instances of the candidate.
    alone: Case,
    /// The others against stable.
    others: Case,
}

impl Instances {
    /// Takes the next window: stable's counts, and those of each instance of the candidate.
    pub fn take(&mut self, policy: &Policy, stable: &Tally, candidate: &[(InstanceId, Tally)]) {
        for (instance, _) in candidate {
            self.meet(instance);
        }
        let all = candidate.iter().fold(Tally::default(), |sum, (_, tally)| sum.plus(tally));
        if let Some(bet) = Bet::on_errors(policy.rho0, &all, stable) {
            self.arm.take(&bet, policy);
        }
        for row in &mut self.rows {
            let its = candidate.iter().find(|(instance, _)| *instance == row.instance);
            row.take(policy, stable, &all, its.map_or(&Tally::default(), |(_, tally)| tally));
        }
    }

    fn meet(&mut self, instance: &InstanceId) {
        if self.rows.len() < MOST_INSTANCES && self.rows.iter().all(|row| row.instance != *instance) {
            let row = Row {
                instance: instance.clone(),
                total: Tally::default(),
                alone: Case::default(),
                others: self.arm,
            };
            self.rows.push(row);
        }
    }

    /// The instance that is to blame: it is worse than the others, and without it there is no case against the revision.
    ///
    /// P(any of `k` equally good instances is ever blamed) ≤ α: each has a `k`th of it.
    pub fn blamed(&self, policy: &Policy) -> Option<&InstanceId> {
        self.worst(policy).map(|row| &row.instance)
    }

    fn worst(&self, policy: &Policy) -> Option<&Row> {
        let enough = 1.0 / policy.alpha_errors;
        let worse = |row: &&Row| {
            row.alone.value(policy) >= enough * self.rows.len() as f64 && row.others.value(policy) < enough
        };
        let value = |row: &Row| row.alone.value(policy);
        self.rows.iter().filter(worse).max_by(|a, b| value(a).total_cmp(&value(b)))
    }

    /// What is said of the candidate: an abort for bad answers that all come from one of several instances is none, but names that
    /// instance, so that it is replaced and the revision goes on.
    pub fn judged(&self, policy: &Policy, decision: &Decision) -> Judged {
        let about_errors = decision.verdict == Verdict::Abort && decision.count == Count::ErrorRate;
        let Some(row) = self.worst(policy).filter(|_| about_errors) else { return decision.judged() };
        let Tally { n, bad, .. } = row.total;
        Judged {
            verdict: Verdict::Continue,
            code: "bad-instance".to_owned(),
            message: format!(
                "{} errs and the other instances of the candidate do not: {bad} bad of {n}",
                row.instance
            ),
            instance: Some(row.instance.clone()),
        }
    }
}

impl Row {
    fn take(&mut self, policy: &Policy, stable: &Tally, all: &Tally, its: &Tally) {
        self.total = self.total.plus(its);
        let others = all.minus(its);
        if let Some(bet) = Bet::on_errors(policy.rho0, its, &others) {
            self.alone.take(&bet, policy);
        }
        if let Some(bet) = Bet::on_errors(policy.rho0, &others, stable) {
            self.others.take(&bet, policy);
        }
    }
}
