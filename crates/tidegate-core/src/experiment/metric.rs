//! What is measured of a user: the sum of events that apps post, or what the gateway saw of their requests. Read from a flag's metadata.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::visits::Visits;

/// The most metrics of an experiment.
pub const MOST_METRICS: usize = 10;
/// The highest limit of a metric: cubes of it summed over all users stay finite, and so can be kept.
const HIGHEST_LIMIT: f64 = 1e15;
/// The longest name of a metric, in bytes.
const LONGEST_NAME: usize = 200;
/// Names that begin like this are the gateway's: nobody can post them.
const OF_GATEWAY: &str = "gateway.";
/// A user's average is taken for at most this where nothing is said, in milliseconds.
const LONGEST_LATENCY: f64 = 10_000.0;

/// One metric, cut at its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExperimentMetric")]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// A user's value is taken for at most this, and for no less than minus this. 1: whether there was an event at all.
    pub limit: f64,
    /// Whether more of it is better.
    pub more: bool,
}

/// Where a metric's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Events that apps post: their sum.
    Posted,
    /// `gateway.errors`: the share of a user's answers that were bad.
    Errors,
    /// `gateway.latency`: how long a user's requests took, in milliseconds, on average.
    Latency,
}

/// A metric as it is written: a name alone, or all of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SaidMetric {
    Name(String),
    Full(FullMetric),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FullMetric {
    name: String,
    limit: Option<f64>,
    better: Option<Better>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Better {
    More,
    Less,
}

impl Source {
    /// Of a metric of this name; `None`: the gateway has no such metric.
    pub fn of(name: &str) -> Option<Source> {
        match name.strip_prefix(OF_GATEWAY) {
            None => Some(Source::Posted),
            Some("errors") => Some(Source::Errors),
            Some("latency") => Some(Source::Latency),
            Some(_) => None,
        }
    }

    /// A user's value, before it is cut.
    pub fn value(self, posted: f64, visits: Visits) -> f64 {
        match self {
            Source::Posted => posted,
            Source::Errors => visits.bad_share(),
            Source::Latency => visits.mean_latency_ms(),
        }
    }

    /// Of the gateway's own there is a limit that fits, and more of none of them is better.
    fn usual(self) -> (f64, Better) {
        match self {
            Source::Posted => (1.0, Better::More),
            Source::Errors => (1.0, Better::Less),
            Source::Latency => (LONGEST_LATENCY, Better::Less),
        }
    }
}

impl Metric {
    /// Where its values come from.
    pub fn source(&self) -> Source {
        Source::of(&self.name).unwrap_or(Source::Posted)
    }

    /// A user's value, cut. Designs of before have limits of any height.
    pub fn cut(&self, sum: f64) -> f64 {
        let most = self.limit.min(HIGHEST_LIMIT);
        if sum.is_finite() { sum.clamp(-most, most) } else { 0.0 }
    }
}

/// All metrics that are said.
pub(super) fn metrics(said: Vec<SaidMetric>) -> Result<Vec<Metric>, String> {
    if said.is_empty() || said.len() > MOST_METRICS {
        return Err(format!("an experiment has 1 to {MOST_METRICS} metrics: say them as `metric`"));
    }
    let metrics = said.into_iter().map(metric).collect::<Result<Vec<_>, String>>()?;
    let twice = metrics
        .iter()
        .enumerate()
        .find(|(at, one)| metrics[..*at].iter().any(|other| other.name == one.name));
    match twice {
        Some((_, one)) => Err(format!("the metric `{}` is named twice", one.name)),
        None => Ok(metrics),
    }
}

fn metric(said: SaidMetric) -> Result<Metric, String> {
    let (name, limit, better) = match said {
        SaidMetric::Name(name) => (name, None, None),
        SaidMetric::Full(FullMetric { name, limit, better }) => (name, limit, better),
    };
    if !is_name(&name) {
        return Err(format!("a metric's name has 1 to {LONGEST_NAME} bytes and no blanks at its ends"));
    }
    let source = Source::of(&name).ok_or_else(|| {
        format!("`{name}` is none of the gateway's metrics: gateway.errors, gateway.latency")
    })?;
    let (usual_limit, usual) = source.usual();
    let limit = limit.unwrap_or(usual_limit);
    if !(limit > 0.0 && limit <= HIGHEST_LIMIT) {
        return Err(format!(
            "the limit of `{name}` is a number above 0, at most {HIGHEST_LIMIT:e}: no user counts for more"
        ));
    }
    Ok(Metric { name, limit, more: better.unwrap_or(usual) == Better::More })
}

/// Whether a text can name a metric.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && text.trim() == text && !text.contains(char::is_control)
}
