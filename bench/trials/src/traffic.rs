//! Simulated traffic of two arms: counts, second by second.

use tidegate_core::judge::{THRESHOLDS, Tally, Window};

use crate::chance::{Chance, Poisson, geometric};

/// How requests err and wait.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Requests a second.
    pub stable_rps: f64,
    /// The same of the candidate.
    pub candidate_rps: f64,
    /// Bad answers of stable, per request.
    pub base: f64,
    /// Those of the candidate.
    pub bad: f64,
    /// The second from which the candidate is bad; until then it is as good as stable.
    pub onset: u64,
    /// Seconds in which both arms err at a rate, by a fault they share.
    pub incident: Option<(std::ops::Range<u64>, f64)>,
    /// Bad answers come in bursts of so many on average, each by one session that keeps to its arm.
    pub burst: Option<f64>,
    /// The part of requests slower than each threshold: stable, candidate.
    pub slow: Option<[[f64; THRESHOLDS]; 2]>,
}

impl Traffic {
    /// Two arms that err at rates, all the time.
    pub fn new(candidate_rps: f64, stable_rps: f64, base: f64, bad: f64) -> Self {
        let (onset, incident, burst, slow) = (0, None, None, None);
        Traffic { stable_rps, candidate_rps, base, bad, onset, incident, burst, slow }
    }

    /// Ready to be drawn from.
    pub fn stream(&self) -> Stream {
        let at = |stable: f64, candidate: f64| Arms {
            stable: Arm::new(self.stable_rps, stable, self.burst),
            candidate: Arm::new(self.candidate_rps, candidate, self.burst),
        };
        Stream {
            before: at(self.base, self.base),
            after: at(self.base, self.bad),
            incident: self.incident.as_ref().map(|(when, rate)| (when.clone(), at(*rate, *rate))),
            onset: self.onset,
            slow: self.slow.map(|[stable, candidate]| {
                [bands(self.stable_rps, &stable), bands(self.candidate_rps, &candidate)]
            }),
        }
    }
}

/// Traffic with its tables.
#[derive(Debug)]
pub struct Stream {
    before: Arms,
    after: Arms,
    incident: Option<(std::ops::Range<u64>, Arms)>,
    onset: u64,
    slow: Option<[Vec<Poisson>; 2]>,
}

#[derive(Debug)]
struct Arms {
    stable: Arm,
    candidate: Arm,
}

impl Stream {
    /// What is counted in a second.
    pub fn window(&self, second: u64, chance: &mut Chance) -> Window {
        if let Some([stable, candidate]) = &self.slow {
            let (stable, candidate) = (timed(stable, chance), timed(candidate, chance));
            return Window { second, stable, candidate };
        }
        let arms = match &self.incident {
            Some((when, arms)) if when.contains(&second) => arms,
            _ if second < self.onset => &self.before,
            _ => &self.after,
        };
        Window { second, stable: arms.stable.tally(chance), candidate: arms.candidate.tally(chance) }
    }
}

/// One arm: good and bad answers come independently of each other.
#[derive(Debug)]
struct Arm {
    good: Poisson,
    /// Bad answers, or bursts of them.
    bad: Poisson,
    burst: Option<f64>,
}

impl Arm {
    fn new(rps: f64, rate: f64, burst: Option<f64>) -> Self {
        let bad = Poisson::new(rps * rate / burst.unwrap_or(1.0));
        Arm { good: Poisson::new(rps * (1.0 - rate)), bad, burst }
    }

    fn tally(&self, chance: &mut Chance) -> Tally {
        let good = self.good.draw(chance);
        let came = self.bad.draw(chance);
        let bad = self.burst.map_or(came, |mean| (0..came).map(|_| geometric(chance, mean)).sum());
        Tally::of(good + bad, bad)
    }
}

/// Requests faster than the first threshold, between the first and the second, and so on.
fn bands(rps: f64, slow: &[f64; THRESHOLDS]) -> Vec<Poisson> {
    let over: Vec<f64> = [1.0].into_iter().chain(*slow).chain([0.0]).collect();
    over.windows(2).map(|pair| Poisson::new(rps * (pair[0] - pair[1]))).collect()
}

fn timed(bands: &[Poisson], chance: &mut Chance) -> Tally {
    let mut tally = Tally::default();
    for (band, poisson) in bands.iter().enumerate() {
        let count = poisson.draw(chance);
        tally.n += count;
        tally.slow[..band].iter_mut().for_each(|slow| *slow += count);
    }
    tally
}
