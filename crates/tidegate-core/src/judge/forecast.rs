//! Says before a rollout what a decision will take: requests, bad answers, time.

use serde::Serialize;

use super::bet::RATIOS;
use super::promotion::{on_the_floor, parts};
use super::{Policy, PolicyError};

/// Bets on the wrong ratios cost about as much as having one and a half right ones of six.
const MIXTURE: f64 = 4.0;
/// More bad answers in a window than this tell no more of its share.
const MOST_BAD: f64 = 60.0;

/// What is expected of a rollout: the traffic, and a fault that is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scene {
    /// Requests a second, both arms.
    pub rps: f64,
    /// The candidate's part of them.
    pub share: f64,
    /// Stable's bad answers per request.
    pub base: f64,
    /// The candidate's, if it is bad.
    pub bad: f64,
}

/// What a decision takes. What is `None` cannot be decided that way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// What each request of a bad candidate tells, in nats, with the fault known beforehand.
    pub nats_per_request: f64,
    /// What the logarithm of the evidence has to reach.
    pub threshold: f64,
    /// Until a bad candidate is aborted.
    pub detection: Option<Wait>,
    /// Until a good one is promoted.
    pub promotion: Option<Wait>,
}

/// How long it takes, about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// Requests to the candidate.
    pub candidate_requests: u64,
    /// Of these, the bad ones.
    pub candidate_bad: u64,
    /// Seconds.
    pub seconds: u64,
}

impl Scene {
    /// The first value that cannot be.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let between = "write a share of requests over 0 and under 1, like 0.1 or 10%";
        let rate = "write a share of requests from 0 to 1, like 0.001 or 0.1%";
        let checks = [
            ("rps", self.rps, self.rps > 0.0 && self.rps <= 1e9, "write requests a second, over 0"),
            ("share", self.share, self.share > 0.0 && self.share < 1.0, between),
            ("base", self.base, (0.0..=1.0).contains(&self.base), rate),
            ("bad", self.bad, (0.0..=1.0).contains(&self.bad), rate),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, wanted)) => Err(PolicyError { name, value, wanted }),
            None => Ok(()),
        }
    }

    fn wait(&self, requests: f64, rate: f64) -> Wait {
        Wait {
            candidate_requests: requests.ceil() as u64,
            candidate_bad: (requests * rate).round() as u64,
            seconds: (requests / (self.rps * self.share)).ceil() as u64,
        }
    }
}

impl Forecast {
    /// Of a [valid](Scene::validate) scene.
    pub fn of(policy: &Policy, scene: &Scene) -> Self {
        let threshold = -policy.alpha_errors.ln();
        let nats = nats_per_request(policy, scene);
        let wanted = threshold + MIXTURE.ln();
        let growth = growth_per_window(policy, scene);
        let worth_it = scene.bad - scene.base >= policy.floor;
        let found = worth_it && nats > 0.0 && growth > 0.0;
        let detection = found.then(|| {
            // Windows are bet on as a whole, so what comes many to a window takes longer than it would one by one.
            let requests = (wanted / nats).max(wanted / growth * scene.rps * scene.share);
            scene.wait(requests.max(policy.min_requests as f64), scene.bad)
        });
        Forecast { nats_per_request: nats, threshold, detection, promotion: promotion(policy, scene) }
    }
}

/// `D = p1 ln(θ1/θ0) + p0 ((1−w)/w) ln((1−θ1)/(1−θ0))`, what is left between the fault and what is allowed. 0 where there is none.
fn nats_per_request(policy: &Policy, scene: &Scene) -> f64 {
    let Scene { share, base, bad, .. } = *scene;
    if bad <= policy.rho0 * base || bad == 0.0 {
        return 0.0;
    }
    let others = (1.0 - share) / share;
    let fair = policy.rho0 / (policy.rho0 + others);
    let seen = bad / (bad + base * others);
    let against = if base == 0.0 { 0.0 } else { base * others * ((1.0 - seen) / (1.0 - fair)).ln() };
    bad * (seen / fair).ln() + against
}

/// What the best of the bets gains in a window of a second, in nats.
fn growth_per_window(policy: &Policy, scene: &Scene) -> f64 {
    let Scene { rps, share, base, bad } = *scene;
    let (of_c, of_b) = (rps * share * bad, rps * (1.0 - share) * base);
    let shrink = (MOST_BAD / (of_c + of_b)).min(1.0);
    let (of_c, of_b) = (poisson(of_c * shrink), poisson(of_b * shrink));
    let fair = policy.rho0 * share / (policy.rho0 * share + 1.0 - share);
    let gain = |ratio: f64| {
        let mut sum = 0.0;
        for (x_c, p_c) in of_c.iter().enumerate() {
            for (x_b, p_b) in of_b.iter().enumerate().filter(|(x_b, _)| x_c + x_b > 0) {
                let seen = x_c as f64 / (x_c + x_b) as f64;
                sum += p_c * p_b * ((1.0 + seen * (ratio - 1.0)) / (1.0 + fair * (ratio - 1.0))).ln();
            }
        }
        sum
    };
    RATIOS.into_iter().map(gain).fold(f64::NEG_INFINITY, f64::max)
}

/// The probabilities of 0, 1, 2, … until they do not matter.
fn poisson(mean: f64) -> Vec<f64> {
    let most = (mean + 8.0 * mean.sqrt() + 8.0) as usize;
    let mut at = (-mean).exp();
    (0..=most)
        .map(|x| {
            let this = at;
            at *= mean / (x + 1) as f64;
            this
        })
        .collect()
}

/// By whichever of the two bets is sooner.
fn promotion(policy: &Policy, scene: &Scene) -> Option<Wait> {
    let Scene { share, base, .. } = *scene;
    let others = (1.0 - share) / share;
    let theta = |ratio: f64| ratio / (ratio + others);
    let (fair, worse) = (theta(1.0), theta(policy.rho_m));
    let by_ratio = base * (others * ((1.0 - fair) / (1.0 - worse)).ln() + (fair / worse).ln());
    let wanted = -(policy.beta * parts(policy)[0]).ln();
    let ratio = (by_ratio > 0.0).then(|| wanted / by_ratio);
    let floor = (policy.floor > 0.0).then(|| on_the_floor(policy, base)).filter(|(_, gain)| *gain > 0.0);
    let floor = floor.map(|(wanted, gain)| wanted / gain);
    let requests = ratio.into_iter().chain(floor).min_by(f64::total_cmp)?;
    Some(scene.wait(requests.max(policy.min_requests as f64), base))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(rps: f64, share: f64, base: f64, bad: f64) -> Forecast {
        Forecast::of(&Policy::default(), &Scene { rps, share, base, bad })
    }

    /// The limits are `ln 200 / D` as they were computed by hand.
    #[test]
    fn what_a_request_tells_is_known() {
        for (base, bad, limit) in [(0.001, 0.005, 2_064.0), (0.001, 0.01, 584.0), (0.01, 0.02, 3_246.0)] {
            let forecast = forecast(100.0, 0.1, base, bad);
            let found = forecast.threshold / forecast.nats_per_request;
            assert!((found / limit - 1.0).abs() < 0.002, "{base} {bad}: {found}");
        }
    }

    #[test]
    fn a_total_failure_takes_some_windows_however_many_requests_they_have() {
        let few = forecast(100.0, 0.1, 0.001, 0.5).detection.unwrap();
        assert!((3..=5).contains(&few.seconds), "{few:?}");
        let many = forecast(10_000.0, 0.1, 0.001, 0.5).detection.unwrap();
        assert!((3..=9).contains(&many.seconds), "{many:?}");
    }

    #[test]
    fn what_is_allowed_or_too_small_is_never_found() {
        assert_eq!(forecast(100.0, 0.1, 0.01, 0.012).detection, None);
        assert_eq!(forecast(100.0, 0.1, 0.0001, 0.0004).detection, None);
        assert_eq!(forecast(100.0, 0.1, 0.0, 0.0).detection, None);
        assert!(forecast(100.0, 0.1, 0.0, 0.01).detection.is_some());
    }

    #[test]
    fn where_nothing_errs_the_floor_promotes() {
        let wait = forecast(100.0, 0.1, 0.0, 0.01).promotion.unwrap();
        assert!((11_000..13_000).contains(&wait.candidate_requests), "{wait:?}");
    }
}
