//! The judge itself: all evidence of one rollout, window after window.

use serde::{Deserialize, Serialize};

use super::bet::{Bet, Fair};
use super::carried::{Carried, half, most, praise};
use super::case::Case;
use super::decision::{Count, Decision};
use super::excess::Excess;
use super::promotion::Promotion;
use super::tally::THRESHOLDS;
use super::{Policy, Tally, Window};
use crate::model::Verdict;

/// The format of what is written down.
const VERSION: u32 = 1;
/// Nothing is promoted while the evidence against it is so large.
const IN_DOUBT: f64 = 10.0;
/// The bet whose gains say when an excess may have begun.
const ONSET_RATIO: f64 = 3.0;

/// The state of a judgement. Written down after each window and read again it goes on as if nothing had been: evidence is
/// neither lost nor counted twice, and the risk is that of one rollout however often Tidegate restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    version: u32,
    policy: Policy,
    began: Option<u64>,
    at: u64,
    stable: Tally,
    candidate: Tally,
    errors: Case,
    slow: [Case; THRESHOLDS],
    promotion: Promotion,
    excess: Excess,
    /// The excess since it may have begun, and what says so.
    recent: Excess,
    onset: f64,
    aborted: Option<Decision>,
    promoted: Option<Decision>,
    inconclusive: Option<Decision>,
}

/// How users are drawn: so many to 1 that one of them has the candidate. Where it is not known exactly the most and the least
/// are different, and each is held against who would gain by the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Odds {
    /// What is fair where the candidate is accused.
    pub most: f64,
    /// What is fair where it is praised.
    pub least: f64,
}

/// Why what was written down cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the evidence was written in format {0}, this version reads {VERSION}")]
pub struct VersionError(pub u32);

impl Judge {
    /// Without evidence. The policy is [valid](Policy::validate).
    pub fn new(policy: Policy) -> Self {
        Judge {
            version: VERSION,
            policy,
            began: None,
            at: 0,
            stable: Tally::default(),
            candidate: Tally::default(),
            errors: Case::default(),
            slow: [Case::default(); THRESHOLDS],
            promotion: Promotion::default(),
            excess: Excess::default(),
            recent: Excess::default(),
            onset: 1.0,
            aborted: None,
            promoted: None,
            inconclusive: None,
        }
    }

    /// What was read back, where this version understands it.
    pub fn resume(self) -> Result<Self, VersionError> {
        if self.version == VERSION { Ok(self) } else { Err(VersionError(self.version)) }
    }

    /// The policy it judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Everything that was counted: stable, candidate.
    pub fn totals(&self) -> (Tally, Tally) {
        (self.stable, self.candidate)
    }

    /// How much worse the candidate is than stable, in bad answers per request.
    pub fn excess(&self) -> f64 {
        self.excess.estimate()
    }

    /// Takes the next window. The same work for each, and nothing is allocated.
    #[inline]
    pub fn take(&mut self, window: &Window) {
        if self.is_counted(window) {
            let errors = Bet::on_errors(self.policy.rho0, &window.candidate, &window.stable);
            let moved = self.bet(window, errors);
            self.promotion.take(window, &self.policy);
            self.decide(moved);
        }
    }

    /// Takes a window of arms that are drawn by user: what is fair is said by the draw, not by how many requests each arm has.
    pub fn take_drawn(&mut self, window: &Window, odds: Odds) {
        if self.is_counted(window) {
            let bad = (window.candidate.bad, window.stable.bad);
            let moved = self.bet(window, Bet::drawn(self.policy.rho0, odds.most, bad));
            self.promotion.take_drawn(window, odds.least, &self.policy);
            self.decide(moved);
        }
    }

    /// Adds it up, if there is still time.
    #[inline]
    fn is_counted(&mut self, window: &Window) -> bool {
        let began = *self.began.get_or_insert(window.second);
        if self.is_over(began, window.second) {
            return false;
        }
        self.at = window.second;
        self.stable = self.stable.plus(&window.stable);
        self.candidate = self.candidate.plus(&window.candidate);
        true
    }

    /// Whether the time was over before this second; that is a decision if nothing else was.
    #[inline]
    fn is_over(&mut self, began: u64, second: u64) -> bool {
        let Some(most) = self.policy.max_seconds else { return false };
        if second.saturating_sub(began) < most {
            return false;
        }
        self.run_out(began.saturating_add(most));
        true
    }

    /// There is no more time, says whoever keeps it: without a decision until now it is inconclusive.
    pub fn run_out(&mut self, second: u64) {
        if self.inconclusive.is_none() && self.aborted.is_none() && self.promoted.is_none() {
            self.inconclusive = Some(self.decision(Verdict::Inconclusive, Count::ErrorRate, Some(second)));
        }
    }

    /// There is more time again: the next step has begun. The evidence stays.
    pub fn go_on(&mut self, max_seconds: Option<u64>) {
        self.policy.max_seconds = max_seconds;
        self.inconclusive = None;
        self.began = None;
    }

    /// Whether there was anything to bet on.
    #[inline]
    fn bet(&mut self, window: &Window, errors: Option<Bet>) -> bool {
        let (candidate, stable) = (&window.candidate, &window.stable);
        let errors = if self.policy.distinct {
            errors.map(|bet| bet.one_by_one(candidate.bad + stable.bad))
        } else {
            errors
        };
        if let Some(bet) = &errors {
            self.errors.take(bet, &self.policy);
        }
        self.excess.take(window);
        self.follow_onset(window, errors.as_ref());
        let mut moved = errors.is_some();
        for (threshold, case) in self.slow.iter_mut().enumerate() {
            let (x_c, x_b) = (candidate.slow[threshold], stable.slow[threshold]);
            let omega = self.policy.rho0_latency;
            if let Some(bet) = Bet::of(Fair::Common, omega, (candidate.n, x_c), (stable.n, x_b)) {
                case.take(&bet, &self.policy);
                moved = true;
            }
        }
        moved
    }

    /// The excess that counts for what began late is that since the last moment at which there was none to be seen.
    #[inline]
    fn follow_onset(&mut self, window: &Window, bet: Option<&Bet>) {
        if let Some(bet) = bet {
            self.onset *= bet.factor(ONSET_RATIO);
        }
        if self.onset <= 1.0 {
            self.onset = 1.0;
            self.recent = Excess::default();
        } else {
            self.onset = self.onset.min(1e280);
            self.recent.take(window);
        }
    }

    #[inline]
    fn decide(&mut self, moved: bool) {
        if self.aborted.is_some() || self.candidate.n < self.policy.min_requests {
            return;
        }
        if moved || self.policy.min_requests > 0 {
            if self.errs_too_much() {
                self.aborted = Some(self.decision(Verdict::Abort, Count::ErrorRate, Some(self.at)));
            } else if self.is_too_slow() {
                self.aborted = Some(self.decision(Verdict::Abort, Count::Latency, Some(self.at)));
            }
        }
        if self.promoted.is_none() && self.aborted.is_none() && self.may_be_promoted() {
            self.promoted = Some(self.decision(Verdict::Promote, Count::ErrorRate, Some(self.at)));
        }
    }

    fn errs_too_much(&self) -> bool {
        self.errs() >= 1.0 / self.policy.alpha_errors && self.is_over_the_floor()
    }

    fn is_over_the_floor(&self) -> bool {
        // Where a user's bad answers count once there are never as many as of requests: after a long good time an excess is one by
        // itself. A gate takes away and adds nothing, so there may be two.
        if self.policy.distinct && self.recent.is_over(self.policy.floor) {
            return true;
        }
        let excess = if self.errors.is_late(&self.policy) { &self.recent } else { &self.excess };
        excess.is_over(self.policy.floor)
    }

    /// The evidence that the candidate errs more than allowed, to be averaged with that of others; 0 while its excess is not worth
    /// an abort.
    pub fn charge(&self) -> f64 {
        if self.is_over_the_floor() { self.errs() } else { 0.0 }
    }

    fn errs(&self) -> f64 {
        (self.policy.carried.errors * self.errors.value(&self.policy)).min(f64::MAX)
    }

    fn is_too_slow(&self) -> bool {
        self.slowness() >= 1.0 / self.policy.alpha_latency
    }

    fn may_be_promoted(&self) -> bool {
        self.promotion.value(&self.policy) >= 1.0 / self.policy.beta
            && self.errs() < IN_DOUBT
            && self.slowness() < IN_DOUBT
    }

    /// The average over the thresholds: one e-value, whatever they have to do with each other.
    fn slowness(&self) -> f64 {
        let each = self.slow.iter().zip(&self.policy.carried.slow);
        each.map(|(case, begun)| (begun * case.value(&self.policy)).min(f64::MAX) / THRESHOLDS as f64).sum()
    }

    /// What a judgement of the same version elsewhere by `into` begins with; `about` says what this one is of. `None` where
    /// that one asks something else: evidence about one question is none about another.
    pub fn carry(&self, about: String, into: &Policy) -> Option<Carried> {
        let asks = |policy: &Policy| [policy.rho0, policy.rho0_latency, policy.rho_m, policy.floor];
        if asks(&self.policy) != asks(into) {
            return None;
        }
        let slow = |at: usize| self.policy.carried.slow[at] * self.slow[at].value(&self.policy);
        let ([ratio, floor], [most_ratio, most_floor]) = (self.promotion.each(&self.policy), praise(into));
        Some(Carried {
            about,
            errors: half(self.errs(), most(into.alpha_errors)),
            slow: std::array::from_fn(|at| half(slow(at), most(into.alpha_latency))),
            ratio: half(ratio, most_ratio),
            floor: half(floor, most_floor),
        })
    }

    /// What is to be said now. An abort stands; a promotion stands until an abort, for the watch goes on.
    pub fn decided(&self) -> Decision {
        let made = self.aborted.or(self.promoted).or(self.inconclusive);
        made.unwrap_or_else(|| {
            let slower = self.margin(Count::Latency) > self.margin(Count::ErrorRate);
            let count = if slower { Count::Latency } else { Count::ErrorRate };
            self.decision(Verdict::Continue, count, None)
        })
    }

    /// Whether it was ever promoted; an abort may have followed.
    pub fn was_promoted(&self) -> bool {
        self.promoted.is_some()
    }

    /// Whether further windows change nothing: it is aborted or out of time, or promoted where that ends the watch.
    #[inline]
    pub fn is_final(&self, promotion_ends: bool) -> bool {
        self.aborted.is_some() || self.inconclusive.is_some() || (promotion_ends && self.promoted.is_some())
    }

    /// The logarithm of the evidence on one count, and what it has to reach for an abort.
    pub fn evidence(&self, count: Count) -> (f64, f64) {
        match count {
            Count::ErrorRate => (self.errs().ln(), -self.policy.alpha_errors.ln()),
            Count::Latency => (self.slowness().ln(), -self.policy.alpha_latency.ln()),
        }
    }

    /// The logarithm of the evidence for the candidate, and what it has to reach for a promotion.
    pub fn evidence_for(&self) -> (f64, f64) {
        (self.promotion.ln(&self.policy), -self.policy.beta.ln())
    }

    fn margin(&self, count: Count) -> f64 {
        let (log_e, threshold) = self.evidence(count);
        log_e - threshold
    }

    fn decision(&self, verdict: Verdict, count: Count, at_second: Option<u64>) -> Decision {
        let promote = verdict == Verdict::Promote;
        let (log_e, threshold) = if promote { self.evidence_for() } else { self.evidence(count) };
        Decision {
            verdict,
            count,
            at_second,
            candidate_requests: self.candidate.n,
            candidate_bad: self.candidate.bad,
            stable_requests: self.stable.n,
            stable_bad: self.stable.bad,
            log_e,
            threshold,
        }
    }
}
