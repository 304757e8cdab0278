//! What was seen of the same version elsewhere, as far as it counts here: where a rollout goes through environments one after the
//! other, each begins with what the one before it showed.
//!
//! Let E be the evidence that the earlier judgement ended with. It ended at a moment that was chosen by looking at it, which an
//! e-process allows: where the candidate was as the case has it there too, the expectation of E is at most 1. So a judgement that begins
//! with half of its stake as new and half as that one had it, `(1 + E) / 2`, begins with an expectation of at most 1 as well, and all that is
//! proved of a [case](super::case) holds for the product: for a candidate that is good in both places, and one that is bad in both. Fresh
//! money is half of it whatever happened before: a fault that only this place has is found by at most ln 2 = 0.7 more in the logarithm
//! than without. Never more than the root of what decides is taken on, half of it as logarithms go: nobody is judged by others' traffic
//! alone, and where the candidate is bad in one place only, a wrong verdict in the other has at most a probability of √α and √β.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tally::THRESHOLDS;
use super::{Policy, PolicyError};

/// What a judgement begins with, as a multiple of what it would begin with otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "JudgeCarried")]
pub struct Carried {
    /// Of what, for people: `rollout 12 of shop/eu/web`.
    #[serde(default)]
    pub about: String,
    /// The evidence that the candidate errs more.
    pub errors: f64,
    /// That it is slower, for each threshold.
    pub slow: [f64; THRESHOLDS],
    /// That it is not much worse, by what it and stable did badly.
    pub ratio: f64,
    /// That it is under the floor.
    pub floor: f64,
}

impl Default for Carried {
    fn default() -> Self {
        Carried { about: String::new(), errors: 1.0, slow: [1.0; THRESHOLDS], ratio: 1.0, floor: 1.0 }
    }
}

impl Carried {
    /// Nothing: all is to be seen here.
    pub fn is_nothing(&self) -> bool {
        *self == Carried::default()
    }

    /// The first value that no earlier judgement can have handed on to one by this policy.
    pub(super) fn validate(&self, policy: &Policy) -> Result<(), PolicyError> {
        let wanted = "write what an earlier judgement can hand on: from 0.5 to the root of what decides";
        let slow = self.slow.map(|slow| (slow, most(policy.alpha_latency)));
        let praise = [self.ratio, self.floor].into_iter().zip(praise(policy));
        let mut all = [(self.errors, most(policy.alpha_errors))].into_iter().chain(slow).chain(praise);
        match all.find(|(value, most)| !(0.5..=*most).contains(value)) {
            Some((value, _)) => Err(PolicyError { name: "carried", value, wanted }),
            None => Ok(()),
        }
    }
}

/// Half of the stake new, half as it was left, and no more of it than may be taken on.
pub(super) fn half(left: f64, most: f64) -> f64 {
    f64::midpoint(1.0, left.min(f64::MAX)).min(most)
}

/// The most that is taken on where this risk decides.
pub(super) fn most(risk: f64) -> f64 {
    risk.recip().sqrt()
}

/// The most that each bet for the candidate takes on, on the ratio and on the floor: both together bring what may be taken on.
pub(super) fn praise(policy: &Policy) -> [f64; 2] {
    let parts = super::promotion::parts(policy);
    let several = parts.iter().filter(|part| **part > 0.0).count() as f64;
    parts.map(|part| if part > 0.0 { most(policy.beta) / (several * part) } else { 1.0 })
}
