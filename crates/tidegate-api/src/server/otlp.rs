//! OpenTelemetry's logs over HTTP (OTLP), as far as experiments are about them: records of who was served which variant, and of
//! what users did. Every other record is passed over.
//!
//! Messages are those of OpenTelemetry's `logs.proto`, the fields that are read and no others; both of its encodings lead here.

use prost::Message;
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::experiment::{At, EventBatch, Exposure, Measurement};

/// An evaluation of a flag, by the semantic conventions for feature flags.
const EVALUATION: &str = "feature_flag.evaluation";
/// Something a user did: the metric is named by an attribute.
const METRIC: &str = "tidegate.metric";

/// The longest name of a user or an event, in bytes: what the control plane takes.
const LONGEST: usize = 512;

/// A request of an exporter.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExportLogs {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "number")]
    time_unix_nano: u64,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "number")]
    observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    event_name: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    string_value: Option<String>,
    #[prost(bool, optional, tag = "2")]
    bool_value: Option<bool>,
    #[prost(int64, optional, tag = "3")]
    #[serde(deserialize_with = "integer")]
    int_value: Option<i64>,
    #[prost(double, optional, tag = "4")]
    double_value: Option<f64>,
}

/// JSON has 64-bit numbers as texts; numbers are taken as well.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let expected = || serde::de::Error::custom("a time is a whole number of nanoseconds");
    match Value::deserialize(from)? {
        Value::String(text) => text.parse().map_err(|_| expected()),
        Value::Number(number) => number.as_u64().ok_or_else(expected),
        Value::Null => Ok(0),
        _ => Err(expected()),
    }
}

fn integer<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let expected = || serde::de::Error::custom("`intValue` is a whole number");
    match Value::deserialize(from)? {
        Value::String(text) => text.parse().map(Some).map_err(|_| expected()),
        Value::Number(number) => number.as_i64().map(Some).ok_or_else(expected),
        Value::Null => Ok(None),
        _ => Err(expected()),
    }
}

/// What a request says for experiments, and how many of its records mean to and lack something.
pub(super) fn events(request: ExportLogs) -> (EventBatch, u64) {
    let (mut batch, mut broken) = (EventBatch::default(), 0);
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    for record in scopes.flat_map(|scope| scope.log_records) {
        let taken = match record.name() {
            EVALUATION => record.exposure().map(|one| batch.exposures.push(one)),
            METRIC => record.measurement().map(|one| batch.metrics.push(one)),
            _ => Some(()),
        };
        broken += u64::from(taken.is_none());
    }
    (batch, broken)
}

impl LogRecord {
    /// Exporters that are older than event names have them as an attribute.
    fn name(&self) -> &str {
        if self.event_name.is_empty() {
            self.text("event.name").unwrap_or_default()
        } else {
            &self.event_name
        }
    }

    fn attribute(&self, key: &str) -> Option<&AnyValue> {
        self.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key)?.string_value.as_deref()
    }

    fn at(&self) -> At {
        let nanoseconds =
            if self.time_unix_nano == 0 { self.observed_time_unix_nano } else { self.time_unix_nano };
        At(nanoseconds / 1_000_000)
    }

    /// Names before version 1.32 of the conventions are understood as well.
    fn exposure(&self) -> Option<Exposure> {
        let variant =
            self.text("feature_flag.result.variant").or_else(|| self.text("feature_flag.variant"))?;
        Some(Exposure {
            flag: self.text("feature_flag.key")?.parse().ok()?,
            variant: variant.to_owned(),
            user: self.user()?,
            at: Some(self.at()).filter(|at| at.0 > 0),
        })
    }

    fn measurement(&self) -> Option<Measurement> {
        Some(Measurement {
            metric: self.text("metric.name")?.to_owned(),
            user: self.user()?,
            value: self.attribute("metric.value").map_or(Some(1.0), AnyValue::number)?,
            at: Some(self.at()).filter(|at| at.0 > 0)?,
            id: match self.text("event.id") {
                None => None,
                Some(id) => Some(name(id)?),
            },
        })
    }

    fn user(&self) -> Option<String> {
        self.text("feature_flag.context.id").or_else(|| self.text("user.id")).and_then(name)
    }
}

/// A name that can be taken. One that cannot breaks its own record, and not all that were sent with it.
fn name(text: &str) -> Option<String> {
    (1..=LONGEST).contains(&text.len()).then(|| text.to_owned())
}

impl AnyValue {
    fn number(&self) -> Option<f64> {
        let number = self.double_value.or_else(|| self.int_value.map(|int| int as f64))?;
        number.is_finite().then_some(number)
    }
}

/// What an exporter is answered: how many of its records were refused, where any were.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Exported {
    /// Absent: all of them were taken or passed over.
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// See [`Exported`].
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_log_records: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(key: &str, value: &str) -> Value {
        json!({ "key": key, "value": { "stringValue": value } })
    }

    fn of(records: Value) -> (EventBatch, u64) {
        let request =
            json!({ "resourceLogs": [{ "resource": {}, "scopeLogs": [{ "logRecords": records }] }] });
        events(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn evaluations_are_exposures() {
        let (batch, broken) = of(json!([
            { "timeUnixNano": "1772366400000000000", "eventName": "feature_flag.evaluation", "attributes": [
                text("feature_flag.key", "cart"), text("feature_flag.result.variant", "on"),
                text("feature_flag.context.id", "u1"), text("feature_flag.result.reason", "split") ] },
            { "observedTimeUnixNano": 1_772_366_400_000_000_000_u64, "attributes": [
                text("event.name", "feature_flag.evaluation"), text("feature_flag.key", "cart"),
                text("feature_flag.variant", "off"), text("user.id", "u2") ] },
            { "body": { "stringValue": "GET / 200" } },
            { "eventName": "feature_flag.evaluation", "attributes": [text("feature_flag.key", "cart")] },
        ]));
        let seen: Vec<_> =
            batch.exposures.iter().map(|one| (one.variant.as_str(), one.user.as_str(), one.at)).collect();
        let at = Some(At(1_772_366_400_000));
        assert_eq!(seen, [("on", "u1", at), ("off", "u2", at)]);
        assert_eq!((batch.metrics.len(), broken), (0, 1));
    }

    #[test]
    fn a_user_that_cannot_be_one_breaks_its_own_record() {
        let record = |user: &str| {
            json!({ "eventName": EVALUATION, "attributes": [text("feature_flag.key", "cart"),
                text("feature_flag.result.variant", "on"), text("user.id", user)] })
        };
        let (batch, broken) = of(json!([record(""), record("u1"), record(&"x".repeat(513))]));
        assert_eq!((batch.exposures.len(), broken), (1, 2));
        assert_eq!(batch.exposures[0].user, "u1");
    }

    #[test]
    fn metrics_have_a_name_a_user_a_time_and_a_value() {
        let record = |value: Value| {
            json!([{ "timeUnixNano": "1772366400000000000", "eventName": "tidegate.metric", "attributes": [
                text("metric.name", "revenue"), text("user.id", "u1"), text("event.id", "order-7"),
                { "key": "metric.value", "value": value } ] }])
        };
        for (value, number) in [
            (json!({ "doubleValue": 12.5 }), Some(12.5)),
            (json!({ "intValue": "7" }), Some(7.0)),
            (json!({ "stringValue": "7" }), None),
        ] {
            let (batch, broken) = of(record(value));
            assert_eq!(batch.metrics.first().map(|one| one.value), number);
            assert_eq!(broken, u64::from(number.is_none()));
        }
    }

    #[test]
    fn both_encodings_say_the_same() {
        let value =
            |text: &str| Some(AnyValue { string_value: Some(text.to_owned()), ..AnyValue::default() });
        let pairs = [("feature_flag.key", "cart"), ("feature_flag.result.variant", "on"), ("user.id", "u1")];
        let record = LogRecord {
            time_unix_nano: 1_772_366_400_000_000_000,
            event_name: EVALUATION.to_owned(),
            attributes: pairs
                .map(|(key, text)| KeyValue { key: key.to_owned(), value: value(text) })
                .to_vec(),
            ..LogRecord::default()
        };
        let scope = ScopeLogs { log_records: vec![record] };
        let request = ExportLogs { resource_logs: vec![ResourceLogs { scope_logs: vec![scope] }] };
        let read = ExportLogs::decode(request.encode_to_vec().as_slice()).unwrap();
        assert_eq!(read, request);
        let attributes: Vec<Value> = pairs.iter().map(|(key, value)| text(key, value)).collect();
        let written = json!([{ "timeUnixNano": "1772366400000000000", "eventName": EVALUATION, "attributes": attributes }]);
        assert_eq!(events(read), of(written));
    }
}
