//! An experiment and what was counted of it: a few numbers for each variant, however many users there are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::design::{Design, ExperimentKey};
use super::findings::Verdict;
use super::intake::Intake;
use super::moments::Moments;
use super::split::is_alarming;

/// An experiment, running or over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its number, in one count over all of them.
    pub id: u64,
    /// Of which flag.
    pub key: ExperimentKey,
    /// What it is to find out.
    pub design: Design,
    /// When its first user was seen: milliseconds since the Unix epoch.
    pub begun_at_unix_ms: u64,
    /// What was counted of each variant, in the order of the design.
    pub arms: Vec<Arm>,
    /// What was not.
    #[serde(default)]
    pub left_out: LeftOut,
    /// When it turned out that users are not dealt out as meant. It never goes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed_at_unix_ms: Option<u64>,
    /// What it came to, first of all. It never changes, but for the alarm that came after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// Events that are kept for users whose time is not over.
    #[serde(default)]
    pub kept: u64,
    /// The reports of gateways that were counted.
    #[serde(default, skip_serializing_if = "Intake::is_empty")]
    pub intake: Intake,
    /// Whether it has ended and its users are not all forgotten yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgetting: bool,
}

/// One variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Users that were seen with it first.
    pub seen: u64,
    /// The values of those whose time is over, for each metric.
    pub metrics: Vec<Moments>,
}

/// What was left out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentLeftOut")]
pub struct LeftOut {
    /// Users that were seen with more than one variant.
    pub crossed: u64,
    /// Exposures to variants that nobody is dealt out to by chance.
    pub not_drawn: u64,
    /// Users over the most that are counted.
    pub over: u64,
    /// Events that came when their user's time was over.
    pub late: u64,
    /// Events over the most that are kept.
    pub events: u64,
    /// Events before their user was first seen, or after their user's time.
    #[serde(default)]
    pub outside: u64,
    /// Users of whom nothing can be said because the gateway never saw them, and a metric is the gateway's.
    #[serde(default)]
    pub unseen: u64,
    /// Requests of users who were too many for the gateway to tell in one second.
    #[serde(default)]
    pub dropped: u64,
}

/// What an experiment came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentDecision")]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Users that had been counted then.
    pub users: u64,
}

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentEnd")]
pub struct End {
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Who ended it, as they call themselves; `tidegate` where what is served or measured was changed.
    pub by: String,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Experiment {
    /// A new one.
    pub fn begin(id: u64, key: ExperimentKey, design: Design, unix_ms: u64) -> Self {
        let arm = Arm { seen: 0, metrics: vec![Moments::default(); design.metrics.len()] };
        Experiment {
            id,
            key,
            arms: vec![arm; design.drawn.len()],
            design,
            begun_at_unix_ms: unix_ms,
            left_out: LeftOut::default(),
            alarmed_at_unix_ms: None,
            decision: None,
            end: None,
            kept: 0,
            intake: Intake::default(),
            forgetting: false,
        }
    }

    /// Whether events are taken for it.
    pub fn is_running(&self) -> bool {
        self.end.is_none()
    }

    /// Whether the flag may not be released meanwhile, because that would move users between variants. Once it has come to
    /// something, it may. A kill always may: that ends the experiment.
    pub fn holds_split(&self) -> bool {
        self.is_running() && self.verdict() == Verdict::Running
    }

    /// All users that were seen with a variant they can be dealt out to.
    pub fn seen(&self) -> u64 {
        self.arms.iter().map(|arm| arm.seen).sum()
    }

    /// All users whose values are counted.
    pub fn counted(&self) -> u64 {
        self.arms.iter().filter_map(|arm| arm.metrics.first()).map(Moments::count).sum()
    }

    /// A user is seen for the first time. Those that cross over later stay counted here: that is how they were dealt out.
    pub fn on_seen(&mut self, place: usize, unix_ms: u64) {
        self.arms[place].seen += 1;
        if self.alarmed_at_unix_ms.is_none() {
            let counts: Vec<u64> = self.arms.iter().map(|arm| arm.seen).collect();
            let alarming = is_alarming(&counts, &self.design.weights());
            self.alarmed_at_unix_ms = alarming.then_some(unix_ms);
        }
    }

    /// A user's time is over: their sums, one for each metric, are counted. What they came to.
    pub fn on_counted(&mut self, place: usize, sums: &[f64], unix_ms: u64) -> Vec<f64> {
        let cut = self.design.metrics.iter().zip(sums).map(|(metric, sum)| metric.cut(*sum));
        let values: Vec<f64> = cut.collect();
        let moments = self.arms[place].metrics.iter_mut();
        moments.zip(&values).for_each(|(moments, value)| moments.add(*value));
        self.decide(unix_ms);
        values
    }

    /// A user is seen with another variant than before. What was counted of them no longer is.
    pub fn on_crossed(&mut self, place: usize, values: Option<&[f64]>) {
        self.left_out.crossed += 1;
        let moments = self.arms[place].metrics.iter_mut();
        moments.zip(values.unwrap_or_default()).for_each(|(moments, value)| moments.remove(*value));
    }

    /// Keeps what it came to, the first time it came to anything. Where the alarm comes later, that counts for more.
    fn decide(&mut self, unix_ms: u64) {
        let known = self.decision.as_ref().map(|decision| &decision.verdict);
        if known.is_some_and(|known| *known == Verdict::Invalid || self.alarmed_at_unix_ms.is_none()) {
            return;
        }
        let verdict = self.verdict_now();
        if verdict != Verdict::Running {
            self.decision = Some(Decision { verdict, at_unix_ms: unix_ms, users: self.counted() });
        }
    }

    /// What it has come to.
    pub fn verdict(&self) -> Verdict {
        match &self.decision {
            _ if self.alarmed_at_unix_ms.is_some() => Verdict::Invalid,
            Some(decision) => decision.verdict.clone(),
            None => Verdict::Running,
        }
    }

    /// What it has come to, in a sentence.
    pub fn message(&self) -> String {
        let metric = self.design.metrics.first().map_or("", |metric| metric.name.as_str());
        let control = &self.design.drawn[0].variant;
        match self.verdict() {
            Verdict::Running => {
                format!(
                    "{} of {} users are counted, and nothing is decided",
                    self.counted(),
                    self.design.users
                )
            }
            Verdict::Better(variant) => format!("`{variant}` is better than `{control}` in {metric}"),
            Verdict::Worse => format!("no variant is as good as `{control}` in {metric}"),
            Verdict::NotWorth => {
                format!("no variant is better than `{control}` in {metric} by what is worth having")
            }
            Verdict::Futile => {
                format!("all {} users are counted and no difference in {metric} was found", self.design.users)
            }
            Verdict::Unclear(metric) => format!(
                "all {} users are counted and nothing can be said of {metric}: it hardly happened, or few users make nearly all of it",
                self.design.users
            ),
            Verdict::Invalid => {
                "users were not dealt out as meant: the figures say nothing, and nothing may follow from them"
                    .to_owned()
            }
        }
    }
}
