//! What apps send: who was served which variant, and what users did.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::FlagKey;

/// The most events of a batch.
pub const MOST_EVENTS: usize = 5_000;

/// Events as they come in. Which of the two lists comes first does not matter, nor which batch does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventBatch {
    /// Who was served which variant. The same one again does no harm.
    pub exposures: Vec<Exposure>,
    /// What users did.
    pub metrics: Vec<Measurement>,
}

/// A user was served a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Of this flag.
    pub flag: FlagKey,
    /// This variant.
    pub variant: String,
    /// This user: what the flag was evaluated with as `targetingKey`.
    pub user: String,
    /// When; left out: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}

/// A user did something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// What: the name of a metric.
    pub metric: String,
    /// Who.
    pub user: String,
    /// How much; left out: 1.
    #[serde(default = "one")]
    pub value: f64,
    /// When. It is asked for: it tells the same event sent twice from two that are alike.
    pub at: At,
    /// A name of the event that no other has. Left out, two of the same user, metric, value and time are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A moment: milliseconds since the Unix epoch, or a text such as `2026-03-01T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "u64")]
#[schemars(rename = "EventTime")]
pub struct At(pub u64);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "EventTimeWritten")]
enum Written {
    Milliseconds(u64),
    Text(String),
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventsTaken {
    /// Users that were seen for the first time.
    pub users: u64,
    /// Events of users that were taken.
    pub metrics: u64,
    /// Those that were known already.
    pub repeated: u64,
    /// Those that no running experiment asks for.
    pub ignored: u64,
    /// Those that are left out of an experiment: too late, of another variant, or too many.
    pub left_out: u64,
}

fn one() -> f64 {
    1.0
}

impl TryFrom<Written> for At {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Milliseconds(ms) => Ok(At(ms)),
            Written::Text(text) => {
                let at: Timestamp =
                    text.parse().map_err(|_| format!("`{text}` is no time such as 2026-03-01T12:00:00Z"))?;
                u64::try_from(at.as_millisecond()).map(At).map_err(|_| "a time before 1970".to_owned())
            }
        }
    }
}

impl From<At> for u64 {
    fn from(at: At) -> u64 {
        at.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_apps_write_them() {
        let text = r#"{"exposures":[{"flag":"cart","variant":"on","user":"u1"}],
            "metrics":[{"metric":"bought","user":"u1","at":"2026-03-01T12:00:00.5Z"},
                       {"metric":"revenue","user":"u1","value":12.5,"at":1772366400000,"id":"order-7"}]}"#;
        let batch: EventBatch = serde_json::from_str(text).unwrap();
        assert_eq!(batch.exposures[0].at, None);
        assert_eq!((batch.metrics[0].value, batch.metrics[0].at), (1.0, At(1_772_366_400_500)));
        assert_eq!(batch.metrics[1].id.as_deref(), Some("order-7"));
        for bad in [
            r#"{"metrics":[{"metric":"bought","user":"u1"}]}"#,
            r#"{"metrics":[{"metric":"bought","user":"u1","at":"noon"}]}"#,
            r#"{"metrics":[{"metric":"bought","user":"u1","at":"1969-01-01T00:00:00Z"}]}"#,
            r#"{"events":[]}"#,
        ] {
            assert!(serde_json::from_str::<EventBatch>(bad).is_err(), "{bad}");
        }
    }
}
