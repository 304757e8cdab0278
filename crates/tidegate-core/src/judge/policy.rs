//! What the judge is to guarantee, and what counts as worse.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Carried;

/// The policy of one rollout. It does not change while it runs: the guarantee is about one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "JudgePolicy")]
pub struct Policy {
    /// The probability that a candidate is ever aborted for its bad answers that errs no more than allowed.
    pub alpha_errors: f64,
    /// The same for latency. Both together are what a rollout risks.
    pub alpha_latency: f64,
    /// The probability that a candidate is ever promoted that is `rho_m` times as bad as stable.
    pub beta: f64,
    /// How many times as bad as stable the candidate may be. Of odds: for rates under a few per cent those of rates.
    pub rho0: f64,
    /// The same for requests slower than a threshold.
    pub rho0_latency: f64,
    /// A candidate so many times as bad as stable must not be promoted.
    pub rho_m: f64,
    /// An excess of less than this, in bad answers per request, is not worth an abort. 0: any excess is.
    pub floor: f64,
    /// Requests the candidate has before anything is decided.
    pub min_requests: u64,
    /// Without a decision after so many seconds: inconclusive.
    pub max_seconds: Option<u64>,
    /// The part of the stake that is kept for a candidate that becomes bad later.
    pub late_weight: f64,
    /// Among how many windows with bad answers that part is spread at first.
    pub late_scale: f64,
    /// Each bad answer is another user's, drawn by themselves: they are bet on one by one, not as one window.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub distinct: bool,
    /// What the judgement begins with: what the same version showed elsewhere.
    #[serde(skip_serializing_if = "Carried::is_nothing")]
    pub carried: Carried,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            alpha_errors: 0.005,
            alpha_latency: 0.005,
            beta: 0.05,
            rho0: 1.25,
            rho0_latency: 1.05,
            rho_m: 2.0,
            floor: 0.0005,
            min_requests: 0,
            max_seconds: None,
            late_weight: 0.1,
            late_scale: 300.0,
            distinct: false,
            carried: Carried::default(),
        }
    }
}

/// Which value of a policy cannot be, and what can.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} is {value}: {wanted}")]
pub struct PolicyError {
    /// The field, as [`Policy`] names it.
    pub name: &'static str,
    /// What it says.
    pub value: f64,
    /// What it may say.
    pub wanted: &'static str,
}

const PROBABILITY: &str = "write a probability between 0.000001 and 0.5";
const TIMES: &str = "write how many times as bad, from 1 to 10";

impl Policy {
    /// Half of α for bad answers, half for latency.
    pub fn with_alpha(self, alpha: f64) -> Self {
        Policy { alpha_errors: alpha / 2.0, alpha_latency: alpha / 2.0, ..self }
    }

    /// The first value that cannot be.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let probability = |p: f64| (1e-6..=0.5).contains(&p);
        let times = |ratio: f64| (1.0..=10.0).contains(&ratio);
        let most = "write a ratio over rho0, up to 100";
        let floor = "write a share of requests from 0 to 0.5, like 0.0005 for 0.05 %";
        let weight = "write a part of the stake from 0 to 0.5";
        let checks = [
            ("alpha_errors", self.alpha_errors, probability(self.alpha_errors), PROBABILITY),
            ("alpha_latency", self.alpha_latency, probability(self.alpha_latency), PROBABILITY),
            ("beta", self.beta, probability(self.beta), PROBABILITY),
            ("rho0", self.rho0, times(self.rho0), TIMES),
            ("rho0_latency", self.rho0_latency, times(self.rho0_latency), TIMES),
            ("rho_m", self.rho_m, self.rho_m > self.rho0 && self.rho_m <= 100.0, most),
            ("floor", self.floor, (0.0..=0.5).contains(&self.floor), floor),
            ("late_weight", self.late_weight, (0.0..=0.5).contains(&self.late_weight), weight),
            (
                "late_scale",
                self.late_scale,
                (1.0..=1e9).contains(&self.late_scale),
                "write a number of windows from 1",
            ),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, wanted)) => Err(PolicyError { name, value, wanted }),
            None => self.carried.validate(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        assert_eq!(Policy::default().validate(), Ok(()));
        let wrong = [
            (Policy { beta: 0.0, ..Policy::default() }, "beta"),
            (Policy { alpha_errors: f64::NAN, ..Policy::default() }, "alpha_errors"),
            (Policy { rho0: 0.9, ..Policy::default() }, "rho0"),
            (Policy { rho0: 3.0, ..Policy::default() }, "rho_m"),
            (Policy { rho_m: f64::INFINITY, ..Policy::default() }, "rho_m"),
            (Policy { floor: -0.1, ..Policy::default() }, "floor"),
            (Policy { late_weight: 0.9, ..Policy::default() }, "late_weight"),
            (Policy::default().with_alpha(2.0), "alpha_errors"),
        ];
        for (policy, name) in wrong {
            assert_eq!(policy.validate().unwrap_err().name, name);
        }
    }

    #[test]
    fn what_is_not_said_is_the_default_and_what_is_unknown_is_refused() {
        let read: Policy = serde_json::from_str(r#"{"beta":0.1}"#).unwrap();
        assert_eq!(read, Policy { beta: 0.1, ..Policy::default() });
        assert!(serde_json::from_str::<Policy>(r#"{"gamma":0.1}"#).is_err());
    }
}
