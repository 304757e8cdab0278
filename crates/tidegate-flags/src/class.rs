//! What Tidegate wants to know of a flag beside its rule, in its metadata: its class, and what the class asks for.
//!
//! flagd takes metadata as it is. Nothing here changes what a flag is; it says what is missing, so that `check` and the
//! servers can warn and a release can refuse.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::Map;

/// What a flag is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// New code on its way to everybody: it has an end (`expires`).
    Rollout,
    /// A comparison of variants: it has a `metric`.
    Experiment,
    /// What somebody has a right to: nobody by default (`defaultVariant` is false or there is none).
    Entitlement,
    /// A switch of those who operate: it has a value for when nothing else is known (`defaultVariant`).
    Operational,
}

impl Class {
    /// As metadata spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Experiment => "experiment",
            Self::Entitlement => "entitlement",
            Self::Operational => "operational",
        }
    }
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rollout" => Ok(Self::Rollout),
            "experiment" => Ok(Self::Experiment),
            "entitlement" => Ok(Self::Entitlement),
            "operational" => Ok(Self::Operational),
            _ => Err(format!("`{text}` is no class: rollout, experiment, entitlement or operational")),
        }
    }
}

/// What is wrong with what the metadata of a flag says, each with the name that it is about. `default` is the value of the
/// default variant.
pub(crate) fn wrong(metadata: &Map, default: Option<&Value>, now_unix_s: i64) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for name in ["class", "owner", "description", "expires", "metric"] {
        if metadata.get(name).is_some_and(|value| !value.is_string()) {
            wrong.push((name, "a text is expected".to_owned()));
        }
    }
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    match text("expires").map(expiry) {
        Some(None) => wrong.push(("expires", "a day is expected, as 2026-12-31".to_owned())),
        Some(Some(end)) if end <= now_unix_s => wrong.push(("expires", "the flag has expired".to_owned())),
        _ => {}
    }
    match text("class").map(str::parse) {
        None => {}
        Some(Err(message)) => wrong.push(("class", message)),
        Some(Ok(class)) => wrong.extend(missing(class, metadata, default)),
    }
    wrong
}

fn missing(class: Class, metadata: &Map, default: Option<&Value>) -> Vec<(&'static str, String)> {
    let mut missing = Vec::new();
    let mut ask = |name: &'static str, holds: bool, what: &str| {
        if !holds {
            missing.push((name, format!("{what}: the class is {}", class.as_str())));
        }
    };
    ask("owner", metadata.contains_key("owner"), "an owner is needed");
    match class {
        Class::Rollout => {
            ask("expires", metadata.contains_key("expires"), "a day on which it ends is needed")
        }
        Class::Experiment => {
            let of_experiment = metadata.get("experiment").and_then(|said| said.get("metric"));
            let known = metadata.contains_key("metric") || of_experiment.is_some();
            ask("metric", known, "a metric is needed");
        }
        Class::Entitlement => {
            ask(
                "class",
                default.is_none_or(|value| *value == Value::Bool(false)),
                "the default has to be false",
            );
        }
        Class::Operational => ask("class", default.is_some(), "a default variant is needed"),
    }
    missing
}

/// The end of the day, in UTC.
fn expiry(day: &str) -> Option<i64> {
    let next = day.parse::<Date>().ok()?.tomorrow().ok()?;
    next.to_zoned(TimeZone::UTC).ok().map(|end| Timestamp::from(end).as_second())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(metadata: Value, default: Option<Value>, now: i64) -> Vec<&'static str> {
        wrong(metadata.as_object().unwrap(), default.as_ref(), now)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn each_class_asks_for_what_it_needs() {
        let none: [&str; 0] = [];
        assert_eq!(names(json!({}), None, 0), none);
        assert_eq!(names(json!({"class": "rollout"}), None, 0), ["owner", "expires"]);
        assert_eq!(
            names(json!({"class": "rollout", "owner": "shop", "expires": "2026-12-31"}), None, 0),
            none
        );
        assert_eq!(names(json!({"class": "experiment", "owner": "shop"}), None, 0), ["metric"]);
        let full = json!({"class": "experiment", "owner": "shop", "experiment": {"metric": "bought"}});
        assert_eq!(names(full, None, 0), none);
        assert_eq!(names(json!({"class": "entitlement", "owner": "shop"}), Some(json!(true)), 0), ["class"]);
        assert_eq!(names(json!({"class": "entitlement", "owner": "shop"}), Some(json!(false)), 0), none);
        assert_eq!(names(json!({"class": "operational", "owner": "shop"}), None, 0), ["class"]);
        assert_eq!(names(json!({"class": "release", "owner": 5}), None, 0), ["owner", "class"]);
    }

    #[test]
    fn a_flag_expires_when_its_day_is_over() {
        let end = 1_798_761_600; // 2027-01-01T00:00:00Z
        assert_eq!(names(json!({"expires": "2026-12-31"}), None, end - 1), [""; 0]);
        assert_eq!(names(json!({"expires": "2026-12-31"}), None, end), ["expires"]);
        assert_eq!(names(json!({"expires": "soon"}), None, 0), ["expires"]);
    }
}
