//! Schedules: what a flag is from when on.
//!
//! `{"schedule": [["2026-12-01T09:00:00Z", "on"], ["2026-12-24T18:00:00Z", "off"]]}`: nothing before the first moment, so that
//! the default variant applies. What begins may be a rule of its own.

use serde_json::Value;

use super::moment;

/// What stands for the schedule.
pub(super) fn lower(steps: &Value) -> Result<Value, String> {
    let steps = moment::pairs(steps)?;
    Ok(moment::latest(steps.into_iter().map(|(at, what)| (at, what.clone())), Value::Null))
}
