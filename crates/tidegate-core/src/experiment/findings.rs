//! What the values of users say: an interval for each metric of each variant, and what follows from those of the first metric.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::Source;
use super::moments::Moments;
use super::running::Experiment;
use crate::interval::Sequence;

/// With fewer users of a variant nothing is said of chance.
const FEWEST: u64 = 100;
/// How lopsided the difference of two averages may be for its interval to be that of a normal distribution: its skewness.
/// Rare or skewed values need more users before anything is said; see `bench/experiments` for what this costs and gains.
const MOST_SKEWED: f64 = 0.2;

/// One metric of one variant beside the control.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The place of the variant among the arms.
    pub place: usize,
    /// The place of the metric.
    pub metric: usize,
    /// The variant's average less the control's.
    pub difference: f64,
    /// Between what the true difference lies, at all times and together with all the others; `None` while there is too little to say.
    pub between: Option<(f64, f64)>,
}

/// What an experiment has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExperimentVerdict")]
pub enum Verdict {
    /// Nothing yet.
    Running,
    /// A variant is better than the control in the first metric.
    Better(String),
    /// Every variant is worse than the control.
    Worse,
    /// No variant is better by as much as would be worth having.
    NotWorth,
    /// All its users have come, and no difference was found.
    Futile,
    /// All its users have come, and of this metric nothing can be said: it hardly happened, or few users make nearly all of it.
    Unclear(String),
    /// Users were not dealt out as meant: its figures say nothing.
    Invalid,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Running => "running",
            Verdict::Better(_) => "better",
            Verdict::Worse => "worse",
            Verdict::NotWorth => "not worth",
            Verdict::Futile => "futile",
            Verdict::Unclear(_) => "unclear",
            Verdict::Invalid => "invalid",
        }
    }
}

impl Experiment {
    /// Every metric of every variant but the control, variant by variant.
    pub fn findings(&self) -> Vec<Finding> {
        let places = 1..self.arms.len();
        places.flat_map(|place| self.findings_of(place)).collect()
    }

    fn findings_of(&self, place: usize) -> impl Iterator<Item = Finding> {
        let sequence = Sequence::new(self.design.alpha_each(), self.design.users_of_pair(place));
        let pairs = self.arms[0].metrics.iter().zip(&self.arms[place].metrics).enumerate();
        pairs.map(move |(metric, (control, variant))| {
            let difference = variant.mean() - control.mean();
            let is_share = self.design.metrics.get(metric).is_some_and(|it| it.source() == Source::Errors);
            let margin = margin(sequence, control, variant)
                .or_else(|| is_share.then(|| margin_of_shares(sequence, control, variant)).flatten());
            let between = margin.map(|margin| (difference - margin, difference + margin));
            Finding { place, metric, difference, between }
        })
    }

    /// What the values say now.
    pub(super) fn verdict_now(&self) -> Verdict {
        if self.alarmed_at_unix_ms.is_some() {
            return Verdict::Invalid;
        }
        let sign = if self.design.metrics.first().is_none_or(|metric| metric.more) { 1.0 } else { -1.0 };
        let gains: Vec<Gain> = (1..self.arms.len()).filter_map(|place| self.gain(place, sign)).collect();
        let better = gains.iter().filter(|gain| gain.low > 0.0).max_by(|a, b| a.middle.total_cmp(&b.middle));
        if let Some(gain) = better {
            return Verdict::Better(self.design.drawn[gain.place].variant.clone());
        }
        let all = |holds: fn(&Gain, f64) -> bool, line: f64| {
            gains.len() + 1 == self.arms.len() && gains.iter().all(|gain| holds(gain, line))
        };
        let below: fn(&Gain, f64) -> bool = |gain, line| gain.high < line;
        match self.design.worth {
            _ if all(below, 0.0) => Verdict::Worse,
            Some(worth) if all(below, worth) => Verdict::NotWorth,
            _ if self.counted() < self.design.users => Verdict::Running,
            _ if gains.len() + 1 == self.arms.len() => Verdict::Futile,
            _ => Verdict::Unclear(self.design.metrics.first().map_or(String::new(), |it| it.name.clone())),
        }
    }

    /// How much better a variant is in the first metric, where that can be said.
    fn gain(&self, place: usize, sign: f64) -> Option<Gain> {
        let finding = self.findings_of(place).next()?;
        let (low, high) = finding.between?;
        let (low, high) = if sign > 0.0 { (low, high) } else { (-high, -low) };
        Some(Gain { place, middle: finding.difference * sign, low, high })
    }
}

#[derive(Clone, Copy, Debug)]
struct Gain {
    place: usize,
    middle: f64,
    low: f64,
    high: f64,
}

/// The same for shares, from 0 to 1, where their average is not normal yet: as if users were spread as widely as shares can be. It is wide,
/// and it holds from the first user on: a variant whose every answer is bad has no spread of its own to be told by.
fn margin_of_shares(sequence: Sequence, control: &Moments, variant: &Moments) -> Option<f64> {
    const WIDEST: f64 = 0.25;
    let (n_0, n_1) = (control.count(), variant.count());
    let variance = WIDEST / n_0 as f64 + WIDEST / n_1 as f64;
    (n_0.min(n_1) >= FEWEST).then(|| sequence.margin(variance, (n_0 + n_1) as f64))
}

/// Half the width of the interval for the difference; `None` where it would not be to be trusted.
fn margin(sequence: Sequence, control: &Moments, variant: &Moments) -> Option<f64> {
    let (n_0, n_1) = (control.count() as f64, variant.count() as f64);
    let variance = control.variance() / n_0 + variant.variance() / n_1;
    if control.count().min(variant.count()) < FEWEST || variance <= 0.0 {
        return None;
    }
    // Of both sides with the same sign: that they cancel out is only so where there is no difference.
    let third = control.third().abs() / n_0.powi(2) + variant.third().abs() / n_1.powi(2);
    (third / variance.powf(1.5) <= MOST_SKEWED).then(|| sequence.margin(variance, n_0 + n_1))
}
