//! A rollout's judgement: from what the gateway counts to what the [judge](crate::judge) takes, second by second, and the state
//! that is kept for it.
//!
//! Called by the service reconciler whenever the gateway has reported; [`Judgement::take`] is the whole of it. It knows nothing of
//! steps: whether a verdict ends a step, or the rollout, the planner decides.

mod comparison;
mod cursor;
mod left_out;
mod sample;
mod share;
mod thresholds;
mod trial;

pub use comparison::{Comparison, DIFFERS, policy_of_answers};
pub use cursor::{Counted, Cursor};
pub use left_out::LeftOut;
pub use share::Share;
pub use thresholds::Thresholds;
pub use trial::{CONFIDENCE, Effect, Trial};

use sample::Samples;
use serde::{Deserialize, Serialize};

use crate::judge::instances::NOBODY;
use crate::judge::{Carried, Instances, Judge, Policy, Tally, Window};
use crate::model::{
    BadRequest, CountsReport, InstanceId, Judged, MirrorReport, RevisionNo, Strategy, StrategyKind, Verdict,
};
use comparison::Copied;

/// Latency counts so many seconds after the candidate's first request: before, it is cold, and slower for that alone.
pub const WARM_AFTER: u64 = 20;

/// What is kept of a judgement: read back after a restart it goes on as if nothing had been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    judge: Judge,
    /// The candidate's.
    instances: Instances,
    /// Stable's.
    #[serde(default)]
    stable_instances: Instances,
    /// Bad instances that are no part of it any more.
    #[serde(default)]
    left_out: Vec<LeftOut>,
    #[serde(default)]
    samples: Samples,
    cursor: Cursor,
    thresholds: Option<Thresholds>,
    share: Share,
    /// Whether the gateway worked by `share` when it last reported.
    in_force: bool,
    /// The second of the candidate's first request.
    met_at: Option<u64>,
    served: Served,
    /// What is made of answers to copies, where the strategy judges them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comparison: Option<Comparison>,
    /// Whether the candidate has copies and no share: then its answers are what is decided on.
    #[serde(default)]
    copies_only: bool,
    /// What users of both sides did, where the strategy counts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
}

/// What there was to judge in one second, as it is kept for the proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Of users' requests.
    #[serde(flatten)]
    pub window: Window,
    /// Of answers to copies, with those that differ as the bad ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Window>,
}

/// Everything that was answered since the rollout began, judged or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// By stable.
    pub stable: Tally,
    /// By the candidate.
    pub candidate: Tally,
}

/// What is known of a service when the gateway has reported.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What the gateway counted, and what those before it did.
    pub reports: &'a [&'a CountsReport],
    /// The routing table it worked by then.
    pub counted_at: u64,
    /// The service, as the reports name it.
    pub upstream: &'a str,
    /// The stable revision.
    pub stable: RevisionNo,
    /// The candidate.
    pub candidate: RevisionNo,
    /// What came of copies of requests, in the newest of these processes.
    pub mirrors: &'a [MirrorReport],
    /// Who is to get requests.
    pub share: &'a Share,
    /// Whether the candidate is to have copies of requests, and no request.
    pub copies_only: bool,
    /// The first routing table in which that stands.
    pub route_epoch: u64,
    /// Seconds since the rollout was made.
    pub second: u64,
}

impl Judgement {
    /// Begins: what was counted until now is no part of it, but says what slow is, where latency is to be judged. `None`: the
    /// gateway has not reported yet.
    ///
    /// Latency is judged where the strategy goes by steps: who did not ask for steps is not taken back for instances that are slow
    /// to warm up. `carried` is what the same version showed elsewhere, if that counts.
    pub fn begin(strategy: &Strategy, carried: Option<Carried>, seen: &Sighting<'_>) -> Option<Judgement> {
        let current = seen.reports.first()?;
        let latency = strategy.kind.has_steps();
        let thresholds = latency.then(|| Thresholds::of(current, seen.upstream, seen.stable)).flatten();
        let mut cursor = Cursor::default();
        cursor.take(seen.reports, seen.upstream, thresholds.as_ref());
        Some(Judgement {
            judge: Judge::new(Policy { carried: carried.unwrap_or_default(), ..policy_of(strategy) }),
            instances: Instances::default(),
            stable_instances: Instances::default(),
            left_out: Vec::new(),
            samples: Samples::begin(seen),
            cursor,
            thresholds,
            share: seen.share.clone(),
            in_force: seen.counted_at >= seen.route_epoch,
            met_at: None,
            served: Served::default(),
            comparison: Comparison::begin(strategy, &seen.copied(current)),
            copies_only: seen.copies_only,
            trial: (!strategy.outcomes.is_empty()).then(|| seen.trial(Trial::default())),
        })
    }

    /// Takes what was counted since the last time. The windows, where there was anything to judge.
    pub fn take(&mut self, seen: &Sighting<'_>) -> Option<Taken> {
        let current = seen.reports.first()?;
        self.copies_only = seen.copies_only;
        let comparison = self.comparison.as_mut();
        let compared = comparison.and_then(|comparison| comparison.take(&seen.copied(current)));
        self.trial = self.trial.take().map(|trial| seen.trial(trial));
        let window = self.take_served(seen);
        let second = seen.second;
        let any = window.is_some() || compared.is_some();
        any.then(|| Taken { window: window.unwrap_or(Window { second, ..Window::default() }), compared })
    }

    /// A time in which the share changed is counted as served and not judged: a rate that moved meanwhile would look like a
    /// difference between the arms.
    fn take_served(&mut self, seen: &Sighting<'_>) -> Option<Window> {
        let counted = self.cursor.take(seen.reports, seen.upstream, self.thresholds.as_ref());
        if counted.is_empty() {
            return None;
        }
        let steady = self.in_force && self.share == *seen.share;
        self.share.clone_from(seen.share);
        self.in_force = seen.counted_at >= seen.route_epoch;
        let mut stable = of_revision(&counted, seen.stable);
        let mut candidate = of_revision(&counted, seen.candidate);
        self.served.stable = self.served.stable.plus(&sum(&stable));
        self.served.candidate = self.served.candidate.plus(&sum(&candidate));
        self.samples.take(seen);
        let cold = !self.is_warm(seen.second, &candidate);
        for row in [&mut stable, &mut candidate] {
            row.retain(|(id, _)| self.left_out.iter().all(|out| out.instance != *id));
            row.iter_mut().filter(|_| cold).for_each(|(_, tally)| tally.slow = Tally::default().slow);
        }
        steady.then(|| self.judge_window(seen.second, &stable, &candidate))
    }

    fn judge_window(
        &mut self,
        second: u64,
        stable: &[(InstanceId, Tally)],
        candidate: &[(InstanceId, Tally)],
    ) -> Window {
        let window = Window { second, stable: sum(stable), candidate: sum(candidate) };
        self.judge.take(&window);
        let policy = self.judge.policy();
        self.instances.take(policy, &window.stable, candidate);
        // There is nobody that stable has to be as good as: its instances are compared with each other alone.
        self.stable_instances.take(policy, &Tally::default(), stable);
        if let Some(bad) = self.found_bad(second) {
            self.begin_anew(bad);
        }
        window
    }

    fn is_warm(&mut self, second: u64, candidates: &[(InstanceId, Tally)]) -> bool {
        if self.met_at.is_none() && candidates.iter().any(|(_, tally)| tally.n > 0) {
            self.met_at = Some(second);
        }
        self.met_at.is_some_and(|at| second >= at + WARM_AFTER)
    }

    /// What is to be said of the candidate now.
    pub fn judged(&self) -> Judged {
        let of_users = self.of_users();
        let Some(of_answers) = self.comparison.as_ref().map(Comparison::judged) else { return of_users };
        let condemned = of_answers.verdict == Verdict::Abort;
        if of_users.verdict != Verdict::Abort && (condemned || self.copies_only) {
            return of_answers;
        }
        of_users
    }

    /// What users of both sides did.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref()
    }

    /// What is made of answers to copies.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref()
    }

    /// What is said of the answers that users got.
    fn of_users(&self) -> Judged {
        let judged = self.instances.judged(self.judge.policy(), &self.judge.decided());
        match self.left_out.last() {
            Some(bad) if judged.verdict == Verdict::Continue => bad.judged(),
            _ => judged,
        }
    }

    /// The bad instances that are no part of it any more.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Some of the candidate's bad answers, the first ones.
    pub fn samples(&self) -> &[BadRequest] {
        &self.samples.kept
    }

    /// The judge has seen the windows after this second; those before are part of it no more. `None`: all.
    pub fn judged_after(&self) -> Option<u64> {
        self.left_out.last().map(|bad| bad.second)
    }

    /// The judge itself, for those who show what it makes of it.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Everything that was answered since the rollout began.
    pub fn served(&self) -> Served {
        self.served
    }
}

impl<'a> Sighting<'a> {
    fn copied(&self, current: &'a CountsReport) -> Copied<'a> {
        let report = self.mirrors.iter().find(|report| report.upstream == self.upstream);
        let Sighting { stable, candidate, second, .. } = *self;
        Copied { incarnation: &current.incarnation, report, stable, candidate, second }
    }

    fn trial(&self, mut trial: Trial) -> Trial {
        trial.take(self.reports, self.upstream, (self.stable, self.candidate));
        trial
    }
}

/// What a strategy asks of the judge, as the judge takes it.
pub fn policy_of(strategy: &Strategy) -> Policy {
    let options = &strategy.judge;
    let left = if strategy.kind == StrategyKind::ParallelRun { 1.0 } else { 1.0 - of_answers(strategy) };
    Policy {
        beta: options.beta.as_f64(),
        rho0: options.rho0.as_f64(),
        rho_m: options.rho_m.as_f64(),
        floor: options.floor.as_f64(),
        ..Policy::default().with_alpha(options.alpha.as_f64() * left)
    }
}

/// The part of the risk that is left to answers to copies. A candidate that has nothing but copies is judged by them alone.
fn of_answers(strategy: &Strategy) -> f64 {
    match (strategy.kind, strategy.judge.max_differing) {
        (_, None) => 0.0,
        (StrategyKind::ParallelRun, Some(_)) => 1.0,
        (_, Some(_)) => 0.5,
    }
}

/// Of one revision, by instance. What no instance got is nobody's.
fn of_revision(counted: &[Counted], revision: RevisionNo) -> Vec<(InstanceId, Tally)> {
    let nobody = || InstanceId(NOBODY.to_owned());
    let mut all: Vec<(InstanceId, Tally)> = Vec::new();
    for row in counted.iter().filter(|row| row.revision == revision) {
        let id = row.instance.clone().unwrap_or_else(nobody);
        match all.iter_mut().find(|(known, _)| *known == id) {
            Some((_, tally)) => *tally = tally.plus(&row.tally),
            None => all.push((id, row.tally)),
        }
    }
    all
}

fn sum(rows: &[(InstanceId, Tally)]) -> Tally {
    rows.iter().fold(Tally::default(), |sum, (_, tally)| sum.plus(tally))
}

#[cfg(test)]
mod comparison_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial_tests;
