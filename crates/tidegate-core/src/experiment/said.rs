//! What a flag's metadata says of its experiment, and what is wrong with that.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::design::MOST_USERS;
use super::metric::{Metric, SaidMetric, Source, metrics};
use crate::model::UserKey;
use crate::time::Millis;

/// How long after they were first seen a user's events count, where nothing is said.
const WITHIN: Millis = Millis(24 * 3_600_000);
const ALPHA: f64 = 0.05;
/// The most ways to tell a user.
const MOST_USER_KEYS: usize = 8;
/// The longest of them, in bytes.
const LONGEST_USER_KEY: usize = 200;

/// As it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    metric: Option<OneOrMore<SaidMetric>>,
    control: Option<String>,
    users: Option<u64>,
    alpha: Option<f64>,
    within: Option<String>,
    worth: Option<f64>,
    user: Option<OneOrMore<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

/// What was said, with what goes without saying.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) control: Option<String>,
    pub(super) metrics: Vec<Metric>,
    pub(super) users: u64,
    pub(super) alpha: f64,
    pub(super) within: Millis,
    pub(super) worth: Option<f64>,
    pub(super) user: Vec<UserKey>,
}

impl<T> OneOrMore<T> {
    fn list(self) -> Vec<T> {
        match self {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

impl Written {
    fn of(metadata: &Map<String, Value>) -> Result<Written, String> {
        let Some(said) = metadata.get("experiment") else { return Ok(Written::default()) };
        Written::deserialize(said).map_err(|error| format!("`experiment`: {error}"))
    }
}

impl Said {
    pub(super) fn of(metadata: &Map<String, Value>) -> Result<Said, String> {
        let written = Written::of(metadata)?;
        let of_flag =
            || metadata.get("metric").and_then(Value::as_str).map(|name| SaidMetric::Name(name.to_owned()));
        let named = written.metric.map_or_else(|| of_flag().into_iter().collect(), OneOrMore::list);
        let said = Said {
            control: written.control,
            metrics: metrics(named)?,
            users: users(written.users)?,
            alpha: alpha(written.alpha)?,
            within: within(written.within.as_deref())?,
            worth: worth(written.worth)?,
            user: user(written.user.map(OneOrMore::list))?,
        };
        let of_gateway = said.metrics.iter().find(|metric| metric.source() != Source::Posted);
        match of_gateway.filter(|_| said.user.is_empty()) {
            None => Ok(said),
            Some(metric) => Err(format!(
                "`{}` needs `user`: what of a request tells the gateway its user, such as `cookie:session`",
                metric.name
            )),
        }
    }
}

/// What is wrong with what a flag says of its experiment, as far as that shows without knowing what is served.
pub fn wrong_with(metadata: &Map<String, Value>) -> Option<String> {
    Said::of(metadata).err()
}

/// What of a request tells the gateway its user, where the flag is an experiment that says so. An experiment that has ended, or cannot
/// be one as it is now, says so as well.
pub fn told_users(definition: &Value) -> Vec<UserKey> {
    let metadata = definition.get("metadata").and_then(Value::as_object);
    let of_experiment = metadata.filter(|metadata| super::Design::is_meant(metadata));
    let written = of_experiment.and_then(|metadata| Written::of(metadata).ok());
    written.and_then(|written| user(written.user.map(OneOrMore::list)).ok()).unwrap_or_default()
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

fn user(said: Option<Vec<String>>) -> Result<Vec<UserKey>, String> {
    let Some(said) = said else { return Ok(Vec::new()) };
    if said.is_empty() || said.len() > MOST_USER_KEYS {
        return Err(format!("`user` has 1 to {MOST_USER_KEYS} ways to tell a user"));
    }
    let one = |text: &String| {
        if text.len() > LONGEST_USER_KEY {
            return Err(format!("what tells a `user` has at most {LONGEST_USER_KEY} bytes"));
        }
        text.parse().map_err(|error| format!("`user`: {error}"))
    };
    said.iter().map(one).collect()
}
