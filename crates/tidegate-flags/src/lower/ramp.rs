//! Ramps: a variant for a share of users that grows by the clock.
//!
//! ```json
//! {"ramp": {"variant": "on", "otherwise": "off", "steps": [["2026-12-01T09:00:00Z", 1], ["2026-12-02T09:00:00Z", 10]]}}
//! ```
//!
//! Percentages, to the thousandth; none before the first moment. `by` says by what is drawn, if not by the targeting key.
//! Who has the variant keeps it while the share grows: the shares stay in their order.

use serde_json::{Value, json};

use super::moment;

/// A percentage is so many of the weight of all.
const WEIGHT_OF_ONE: f64 = 1_000.0;
const WEIGHT_OF_ALL: i64 = 100_000;

/// What stands for the ramp.
pub(super) fn lower(ramp: &Value) -> Result<Value, String> {
    let ramp = ramp.as_object().ok_or("a ramp is an object with `variant` and `steps`")?;
    if let Some(unknown) =
        ramp.keys().find(|key| !matches!(key.as_str(), "variant" | "otherwise" | "by" | "steps"))
    {
        return Err(format!("a ramp has no `{unknown}`: variant, otherwise, by, steps"));
    }
    let variant =
        ramp.get("variant").filter(|variant| variant.is_string()).ok_or("a ramp needs a `variant`")?;
    let steps = moment::pairs(ramp.get("steps").unwrap_or(&Value::Null))?;
    let mut weights = Vec::new();
    for (at, percent) in steps {
        weights.push((at, weight(percent)?));
    }
    let share = |of: fn(i64) -> i64| {
        moment::latest(weights.iter().map(|(at, weight)| (*at, json!(of(*weight)))), json!(of(0)))
    };
    let mut args: Vec<Value> = ramp.get("by").cloned().into_iter().collect();
    args.push(json!([variant, share(|weight| weight)]));
    args.push(json!([ramp.get("otherwise").unwrap_or(&Value::Null), share(|weight| WEIGHT_OF_ALL - weight)]));
    Ok(json!({ "fractional": args }))
}

#[allow(clippy::cast_possible_truncation)] // whole and at most 100,000
fn weight(percent: &Value) -> Result<i64, String> {
    let weight =
        percent.as_f64().map(|percent| percent * WEIGHT_OF_ONE).filter(|w| (0.0..=100_000.0).contains(w));
    match weight {
        Some(weight) if (weight - weight.round()).abs() < 1e-6 => Ok(weight.round() as i64),
        _ => Err(format!("{percent} is no percentage: from 0 to 100, with up to three decimals")),
    }
}
