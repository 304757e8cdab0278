//! Tells a bad instance from a bad revision. Beside the [`Judge`](super::Judge), which looks at the arm as a whole, this looks at each
//! instance of an arm: against the others of that arm, and at what the arm would be without it.
//!
//! One that is blamed is left out, and the judgement begins anew without it. That costs no more than α: a good revision comes to that
//! either because its abort would have been wrong (P ≤ α), or because an instance was found worse than `k` siblings that are
//! as good (each has a `k`th of α), and what begins anew is aborted wrongly with P ≤ α again.

use serde::{Deserialize, Serialize};

use super::bet::Bet;
use super::case::Case;
use super::{Count, Decision, Policy, Tally};
use crate::model::{InstanceId, Judged, Verdict};

/// Instances that are followed; those beyond count for the arm alone.
pub const MOST_INSTANCES: usize = 64;
/// Stands for the instance of requests that got none.
pub const NOBODY: &str = "none";
/// From here on the others of an instance are not well themselves.
const IN_DOUBT: f64 = 10.0;
/// Where the revision is to be aborted, and this or less is the chance that so many bad answers are one instance's, it is blamed instead.
const BY_CHANCE: f64 = 0.05;

/// The view of the candidate by instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instances {
    /// The arm against stable: what a new instance is left out of.
    arm: Case,
    rows: Vec<Row>,
}

/// What is known of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
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

    /// What the counts say of the instances, now that the revision as a whole is to be aborted for its bad answers, or is not.
    pub fn suspicion(&self, policy: &Policy, aborts: bool) -> Suspicion<'_> {
        let served = self.rows.iter().filter(|row| row.total.n > 0).count();
        let bad: u64 = self.rows.iter().map(|row| row.total.bad).sum();
        let worst = self.rows.iter().max_by_key(|row| row.total.bad);
        let Some(row) = worst.filter(|_| served > 1 && bad > 0) else {
            return Suspicion::Nobody;
        };
        if row.instance.0 == NOBODY || row.others.value(policy) >= IN_DOUBT {
            return Suspicion::Nobody;
        }
        let certain = row.alone.value(policy) >= served as f64 / policy.alpha_errors;
        match certain || (aborts && self.by_chance(row, bad) * served as f64 <= BY_CHANCE) {
            true => Suspicion::Of(row),
            false if aborts && row.total.bad == bad => Suspicion::Perhaps(row),
            false => Suspicion::Nobody,
        }
    }

    /// How likely so many of the bad answers are this one's if all instances are alike, at most (Chernoff).
    fn by_chance(&self, row: &Row, bad: u64) -> f64 {
        let requests: u64 = self.rows.iter().map(|row| row.total.n).sum();
        let (fair, seen) = (row.total.n as f64 / requests as f64, row.total.bad as f64 / bad as f64);
        if seen <= fair {
            return 1.0;
        }
        let others = if seen < 1.0 { (1.0 - seen) * ((1.0 - seen) / (1.0 - fair)).ln() } else { 0.0 };
        (-(bad as f64) * (seen * (seen / fair).ln() + others)).exp()
    }

    /// What is said of the candidate while all its bad answers are one instance's, and these are too few to be sure of that.
    pub fn judged(&self, policy: &Policy, decision: &Decision) -> Judged {
        let aborts = is_about_errors(decision);
        match self.suspicion(policy, aborts) {
            Suspicion::Perhaps(row) => {
                Judged::undecided(format!("{}: the instance or the revision", row.blame()))
            }
            Suspicion::Of(_) | Suspicion::Nobody => decision.judged(),
        }
    }
}

/// Whether a decision is an abort for bad answers.
pub fn is_about_errors(decision: &Decision) -> bool {
    decision.verdict == Verdict::Abort && decision.count == Count::ErrorRate
}

/// Who is to blame for bad answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suspicion<'a> {
    /// No single instance.
    Nobody,
    /// This one has all the bad answers, and that may still be chance.
    Perhaps(&'a Row),
    /// This one: it is worse than the others, and without it there is no case against the revision.
    Of(&'a Row),
}

impl Row {
    /// Which it is.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// One sentence with the figures.
    pub fn blame(&self) -> String {
        let Tally { n, bad, .. } = self.total;
        format!("{} errs and its siblings do not: {bad} bad of {n}", self.instance)
    }

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
