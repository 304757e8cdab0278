//! What an experiment is meant to find out: read from the metadata of its flag, and fixed from its first user on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::draw::drawn;
use super::split::Drawn;
use crate::model::{FlagKey, FlagState, Name};
use crate::time::Millis;

/// The most metrics of an experiment.
pub const MOST_METRICS: usize = 10;
/// The most variants.
pub const MOST_VARIANTS: usize = 10;
/// The most users an experiment counts.
pub const MOST_USERS: u64 = 1_000_000;
/// The longest name of a metric or a variant, in bytes.
const LONGEST_NAME: usize = 200;
/// How long after they were first seen a user's events count, where nothing is said.
const WITHIN: Millis = Millis(24 * 3_600_000);
const ALPHA: f64 = 0.05;

/// An experiment as it was meant. Two that are equal are the same one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// The version of the flag's state that deals users out like that.
    pub version: u64,
    /// Who gets which variant, the one that others are compared with first.
    pub drawn: Vec<Drawn>,
    /// What is measured; the first decides.
    pub metrics: Vec<Metric>,
    /// After so many users it is over, whatever was found; and intervals are narrowest about there.
    pub users: u64,
    /// All intervals hold at all times together with a probability of 1 − `alpha`.
    pub alpha: f64,
    /// So long after a user was first seen their events count.
    pub within: Millis,
    /// The smallest difference of the first metric that is worth having: where none of it is left, it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<f64>,
    /// The flag's rule: with another one users are dealt out in another way.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub rule: Value,
}

/// One metric: the sum of a user's events of its name, cut at its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// A user's sum is taken for at most this, and for no less than minus this. 1: whether there was an event at all.
    pub limit: f64,
    /// Whether more of it is better.
    pub more: bool,
}

/// What a flag's metadata says of its experiment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Said {
    metric: Option<OneOrMore>,
    control: Option<String>,
    users: Option<u64>,
    alpha: Option<f64>,
    within: Option<String>,
    worth: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(SaidMetric),
    More(Vec<SaidMetric>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SaidMetric {
    Name(String),
    Full(FullMetric),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullMetric {
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

impl Said {
    fn of(metadata: &Map<String, Value>) -> Result<Said, String> {
        let Some(said) = metadata.get("experiment") else { return Ok(Said::default()) };
        Said::deserialize(said).map_err(|error| format!("`experiment`: {error}"))
    }
}

impl Metric {
    /// A user's value: their sum, cut.
    pub fn cut(&self, sum: f64) -> f64 {
        if sum.is_finite() { sum.clamp(-self.limit, self.limit) } else { 0.0 }
    }
}

impl Design {
    /// The experiment that a flag's definition and what is served of it make together; `None` where the flag is none.
    ///
    /// # Errors
    /// What is missing or wrong, in words.
    pub fn of(definition: &Value, state: &FlagState) -> Option<Result<Design, String>> {
        let metadata = definition.get("metadata").and_then(Value::as_object)?;
        Self::is_meant(metadata).then(|| Self::read(definition, metadata, state))
    }

    /// Whether a flag of this metadata is to be an experiment.
    pub fn is_meant(metadata: &Map<String, Value>) -> bool {
        metadata.get("class").and_then(Value::as_str) == Some("experiment")
    }

    fn read(definition: &Value, metadata: &Map<String, Value>, state: &FlagState) -> Result<Design, String> {
        let said = Said::of(metadata)?;
        let mut drawn = drawn(definition, state)?;
        if drawn.len() > MOST_VARIANTS {
            return Err(format!("{} variants are more than {MOST_VARIANTS}", drawn.len()));
        }
        let default = definition.get("defaultVariant").and_then(Value::as_str);
        let control = said.control.as_deref().or(default).ok_or("say which variant is the `control`")?;
        let at = drawn.iter().position(|drawn| drawn.variant == control);
        let at = at.ok_or_else(|| format!("no user is dealt out to `{control}`, the control"))?;
        drawn[..=at].rotate_right(1);
        Ok(Design {
            version: state.version,
            drawn,
            metrics: metrics(said.metric.as_ref(), metadata)?,
            users: users(said.users)?,
            alpha: alpha(said.alpha)?,
            within: within(said.within.as_deref())?,
            worth: worth(said.worth)?,
            rule: definition.get("targeting").cloned().unwrap_or_default(),
        })
    }

    /// The place of a variant among those that users are dealt out to.
    pub fn place_of(&self, variant: &str) -> Option<usize> {
        self.drawn.iter().position(|drawn| drawn.variant == variant)
    }

    /// The weights of the variants.
    pub fn weights(&self) -> Vec<u64> {
        self.drawn.iter().map(|drawn| drawn.weight).collect()
    }

    /// How sure each single interval has to be for all of them together to hold: Bonferroni's part of alpha.
    pub fn alpha_each(&self) -> f64 {
        let intervals = (self.drawn.len() - 1) * self.metrics.len();
        self.alpha / intervals.max(1) as f64
    }

    /// How many users of the control and of another variant there will be when all have come.
    pub fn users_of_pair(&self, place: usize) -> f64 {
        let all: u64 = self.drawn.iter().map(|drawn| drawn.weight).sum();
        let pair = self.drawn[0].weight + self.drawn[place].weight;
        self.users as f64 * pair as f64 / all.max(1) as f64
    }
}

/// What is wrong with what a flag says of its experiment, as far as that shows without knowing what is served.
pub fn wrong_with(metadata: &Map<String, Value>) -> Option<String> {
    let read = || {
        let said = Said::of(metadata)?;
        metrics(said.metric.as_ref(), metadata)?;
        users(said.users)?;
        alpha(said.alpha)?;
        within(said.within.as_deref())?;
        worth(said.worth).map(drop)
    };
    read().err()
}

/// Which experiment of which environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExperimentKey {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The flag.
    pub flag: FlagKey,
}

fn metrics(said: Option<&OneOrMore>, metadata: &Map<String, Value>) -> Result<Vec<Metric>, String> {
    let all = match said {
        Some(OneOrMore::One(one)) => vec![one.clone()],
        Some(OneOrMore::More(more)) => more.clone(),
        None => metadata
            .get("metric")
            .and_then(Value::as_str)
            .map(|name| SaidMetric::Name(name.to_owned()))
            .into_iter()
            .collect(),
    };
    if all.is_empty() || all.len() > MOST_METRICS {
        return Err(format!("an experiment has 1 to {MOST_METRICS} metrics: say them as `metric`"));
    }
    let metrics = all.into_iter().map(metric).collect::<Result<Vec<_>, String>>()?;
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
    let limit = limit.unwrap_or(1.0);
    if !(limit.is_finite() && limit > 0.0) {
        return Err(format!("the limit of `{name}` is a number above 0: no user counts for more"));
    }
    Ok(Metric { name, limit, more: better != Some(Better::Less) })
}

/// Whether a text can name a metric.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && text.trim() == text && !text.contains(char::is_control)
}

fn users(said: Option<u64>) -> Result<u64, String> {
    match said {
        Some(users) if (100..=MOST_USERS).contains(&users) => Ok(users),
        Some(users) => Err(format!("`users` is {users}: 100 to {MOST_USERS} are possible")),
        None => Err("it has no end: say after how many `users` it is over, whatever was found".to_owned()),
    }
}

fn alpha(said: Option<f64>) -> Result<f64, String> {
    let alpha = said.unwrap_or(ALPHA);
    if (0.0001..=0.2).contains(&alpha) {
        Ok(alpha)
    } else {
        Err(format!("`alpha` is {alpha}: 0.0001 to 0.2 are possible; 0.05 is common"))
    }
}

fn within(said: Option<&str>) -> Result<Millis, String> {
    let within = said.map_or(Ok(WITHIN), |text| text.parse::<Millis>().map_err(|error| error.to_string()))?;
    let longest = Millis(90 * 24 * 3_600_000);
    if within > longest { Err(format!("`within` is at most {longest}")) } else { Ok(within) }
}

fn worth(said: Option<f64>) -> Result<Option<f64>, String> {
    match said {
        Some(worth) if !(worth.is_finite() && worth > 0.0) => Err("`worth` is a number above 0".to_owned()),
        worth => Ok(worth),
    }
}

#[cfg(test)]
#[path = "design_tests.rs"]
mod tests;
