//! Experiments as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experiment::{Decision, Design, End, Experiment, Finding, LeftOut, Moments, log_evidence};
use crate::model::{FlagKey, Name};

/// The experiments of an environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentList {
    /// The app.
    pub app: Option<Name>,
    /// The environment.
    pub environment: Option<Name>,
    /// Running ones and past ones, the newest first, and flags that are to be one and cannot.
    pub experiments: Vec<ExperimentView>,
}

/// One experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentView {
    /// Its number; `None` where no user was seen yet.
    pub id: Option<u64>,
    /// The flag.
    pub flag: String,
    /// `waiting` for its first user, `running`, `ended`, or `broken`: what is wrong is in `problem`.
    pub state: String,
    /// What it came to: `running`, `better`, `worse`, `not worth`, `futile`, `unclear` or `invalid`; `none` before its first user.
    pub verdict: String,
    /// In a sentence.
    pub message: String,
    /// Why the flag cannot be an experiment as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What it is to find out.
    pub design: Option<Design>,
    /// When its first user was seen: milliseconds since the Unix epoch.
    pub begun_at_unix_ms: Option<u64>,
    /// Users seen, and those of them whose time is over and who are counted.
    pub seen: u64,
    /// See `seen`.
    pub counted: u64,
    /// The variants, the control first.
    pub variants: Vec<ArmFigures>,
    /// What was left out.
    pub left_out: LeftOut,
    /// The evidence that users were not dealt out as meant, as a logarithm; the alarm is raised at 6.9.
    pub split_evidence: f64,
    /// When that alarm was raised: milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed_at_unix_ms: Option<u64>,
    /// When it came to something, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// One variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmFigures {
    /// Its name.
    pub variant: String,
    /// Its part of all users as meant, from 0 to 1.
    pub share: f64,
    /// Users seen with it first.
    pub seen: u64,
    /// Those that are counted.
    pub counted: u64,
    /// Its metrics.
    pub metrics: Vec<MetricFigures>,
}

/// One metric of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricFigures {
    /// Its name.
    pub metric: String,
    /// Whether more of it is better.
    pub more: bool,
    /// The average of a user.
    pub mean: f64,
    /// How far users are spread: a standard deviation.
    pub deviation: f64,
    /// Less the control's average; `None` of the control itself.
    pub difference: Option<f64>,
    /// Between what the true difference lies, at all times and together with all other intervals; `None` while there is too
    /// little to say, and where users were not dealt out as meant.
    pub between: Option<(f64, f64)>,
}

impl ExperimentView {
    /// Of a flag that is to be an experiment and has had no user yet, or cannot be one.
    pub fn before(flag: &FlagKey, design: Result<Design, String>) -> Self {
        let (state, message) = match &design {
            Ok(_) => ("waiting", "no user was seen yet".to_owned()),
            Err(why) => ("broken", why.clone()),
        };
        ExperimentView {
            flag: flag.to_string(),
            state: state.to_owned(),
            verdict: "none".to_owned(),
            message,
            problem: design.as_ref().err().cloned(),
            design: design.ok(),
            ..ExperimentView::default()
        }
    }

    /// Of one that has users.
    pub fn of(experiment: &Experiment) -> Self {
        let findings = experiment.findings();
        let arms = experiment.arms.iter().map(|arm| arm.seen).collect::<Vec<_>>();
        ExperimentView {
            id: Some(experiment.id),
            flag: experiment.key.flag.to_string(),
            state: if experiment.is_running() { "running" } else { "ended" }.to_owned(),
            verdict: experiment.verdict().as_str().to_owned(),
            message: experiment.message(),
            problem: None,
            design: Some(experiment.design.clone()),
            begun_at_unix_ms: Some(experiment.begun_at_unix_ms),
            seen: experiment.seen(),
            counted: experiment.counted(),
            variants: (0..arms.len()).map(|place| figures(experiment, place, &findings)).collect(),
            left_out: experiment.left_out,
            split_evidence: log_evidence(&arms, &experiment.design.weights()),
            alarmed_at_unix_ms: experiment.alarmed_at_unix_ms,
            decision: experiment.decision.clone(),
            end: experiment.end.clone(),
        }
    }
}

fn figures(experiment: &Experiment, place: usize, findings: &[Finding]) -> ArmFigures {
    let (arm, drawn) = (&experiment.arms[place], &experiment.design.drawn[place]);
    let all: u64 = experiment.design.weights().iter().sum();
    let valid = experiment.alarmed_at_unix_ms.is_none();
    let metrics = experiment.design.metrics.iter().enumerate().map(|(at, metric)| {
        let moments = arm.metrics[at];
        let finding = findings.iter().find(|finding| (finding.place, finding.metric) == (place, at));
        MetricFigures {
            metric: metric.name.clone(),
            more: metric.more,
            mean: moments.mean(),
            deviation: moments.variance().sqrt(),
            difference: finding.map(|finding| finding.difference),
            between: finding.and_then(|finding| finding.between).filter(|_| valid),
        }
    });
    ArmFigures {
        variant: drawn.variant.clone(),
        share: drawn.weight as f64 / all.max(1) as f64,
        seen: arm.seen,
        counted: arm.metrics.first().map_or(0, Moments::count),
        metrics: metrics.collect(),
    }
}
