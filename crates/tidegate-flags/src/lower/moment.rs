//! Moments in schedules and ramps, and rules that ask whether they have come.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Seconds since 1970: from a number of them, or from text with date, time and offset.
pub(super) fn unix_s(moment: &Value) -> Result<i64, String> {
    let read = match moment {
        Value::Number(seconds) => seconds.as_i64(),
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_second),
        _ => None,
    };
    read.ok_or_else(|| format!("{moment} is no moment; one is 2026-12-01T09:00:00Z"))
}

/// Pairs of a moment and what begins then, the earliest first.
pub(super) fn pairs(steps: &Value) -> Result<Vec<(i64, &Value)>, String> {
    let mut read = Vec::new();
    for step in steps.as_array().ok_or("a list of [moment, what begins then] is expected")? {
        match step.as_array().map(Vec::as_slice) {
            Some([moment, what]) => read.push((unix_s(moment)?, what)),
            _ => return Err(format!("{step} is no [moment, what begins then]")),
        }
    }
    let in_order = read.windows(2).all(|two| two[0].0 < two[1].0);
    match (in_order, read.is_empty()) {
        (_, true) => Err("at least one moment is needed".to_owned()),
        (false, _) => Err("the moments have to be in order, the earliest first".to_owned()),
        (true, false) => Ok(read),
    }
}

/// What the last of the moments that have come stands for; `before` until the first.
pub(super) fn latest(pairs: impl DoubleEndedIterator<Item = (i64, Value)>, before: Value) -> Value {
    let mut parts = Vec::new();
    for (moment, what) in pairs.rev() {
        parts.push(json!({">=": [{"var": "$flagd.timestamp"}, moment]}));
        parts.push(what);
    }
    parts.push(before);
    json!({ "if": parts })
}
