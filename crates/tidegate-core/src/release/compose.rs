//! The effective set: what Git says of flags and what is served of them, as one flag file in flagd's words.
//!
//! It is what the flag servers evaluate and what clients that evaluate by themselves get, so both say the same. A flag's own
//! rules come first; where they say nothing of who asks (null), what was released decides. What is turned off is off for everybody.

use serde_json::{Value, json};

use super::definition::rule;
use super::meaning::ALL;
use crate::model::{FlagState, Scheduled, Serving, Share};

/// Puts what is served into the definitions. States of flags that are not defined say nothing.
pub fn compose<'a>(document: &Value, states: impl IntoIterator<Item = &'a FlagState>) -> Value {
    let mut composed = document.clone();
    // Rules of other flags that ask for a flag can take its draw over only where it says by what it draws.
    let outright = composed.pointer("/metadata/fractional").is_some_and(|version| version == "v3");
    let Some(flags) = composed.get_mut("flags").and_then(Value::as_object_mut) else { return composed };
    // Clients know of no metadata but texts, numbers and booleans.
    for metadata in flags.values_mut().filter_map(|flag| flag.get_mut("metadata")?.as_object_mut()) {
        metadata.remove("experiment");
    }
    for state in states {
        let key = state.key.as_str();
        if state.archived {
            flags.remove(key);
        } else if let Some(flag) = flags.get_mut(key) {
            serve(flag, &state.serving, outright);
        }
    }
    composed
}

fn serve(flag: &mut Value, serving: &Serving, outright: bool) {
    let variants = flag.get("variants").cloned().unwrap_or_default();
    let has = |variant: &str| variants.get(variant).is_some();
    match serving {
        Serving::Defined => {}
        Serving::Off(variant) | Serving::Killed(variant) if has(variant) => {
            flag["targeting"] = json!({});
            flag["defaultVariant"] = json!(variant);
        }
        Serving::Off(_) | Serving::Killed(_) => flag["state"] = json!("DISABLED"),
        Serving::Variant(variant) if has(variant) => flag["defaultVariant"] = json!(variant),
        Serving::Share(share) if has(&share.variant) && has(&share.otherwise) => {
            flag["defaultVariant"] = json!(share.otherwise);
            flag["targeting"] = behind(rule(flag), drawn(share, outright));
        }
        Serving::Schedule(steps) => flag["targeting"] = scheduled(rule(flag), steps, outright, &has),
        // A variant that Git has dropped: what Git says holds.
        Serving::Variant(_) | Serving::Share(_) => {}
    }
}

/// The flag's own rule first.
pub(super) fn behind(rule: Option<&Value>, released: Value) -> Value {
    match rule {
        None => released,
        Some(rule) => json!({"if": [{"===": [rule, null]}, released, rule]}),
    }
}

/// Of a flag of the effective set: the rule it had before what was released was put behind it. Whoever it says something of was not
/// drawn.
pub fn own_rule(flag: &Value) -> Option<&Value> {
    let [condition, _, otherwise] = flag.pointer("/targeting/if")?.as_array()?.as_slice() else {
        return None;
    };
    let [rule, Value::Null] = condition.get("===")?.as_array()?.as_slice() else { return None };
    (rule == otherwise).then_some(rule)
}

/// The variant of who is in the share. Nobody can be drawn who is not told apart. `outright`: what is drawn by is written out.
pub(super) fn drawn(share: &Share, outright: bool) -> Value {
    let weights =
        [json!([share.variant, share.of.0]), json!([share.otherwise, ALL.saturating_sub(share.of.0)])];
    let [variant, otherwise] = weights;
    let by = share.by.as_deref().unwrap_or("targetingKey");
    let draw = if share.by.is_none() && !outright {
        json!({"fractional": [variant, otherwise]})
    } else {
        let seed = json!({"cat": [{"var": "$flagd.flagKey"}, {"var": by}]});
        json!({"fractional": [seed, variant, otherwise]})
    };
    let known = json!({"var": by});
    let unknown = json!({"or": [{"===": [known, null]}, {"===": [known, ""]}]});
    json!({"if": [unknown, share.otherwise, draw]})
}

/// One after the other by the clock; what is off among them is so before the flag's own rule as well.
fn scheduled(own: Option<&Value>, steps: &[Scheduled], outright: bool, has: &impl Fn(&str) -> bool) -> Value {
    let (mut served, mut kills) = (Vec::new(), Vec::new());
    for (place, step) in steps.iter().enumerate().rev() {
        let from = begun(step.from_unix_ms);
        if let Serving::Off(variant) | Serving::Killed(variant) = &step.serving {
            let until = steps.get(place + 1).map(|next| json!({"!": [begun(next.from_unix_ms)]}));
            let during = until.map_or_else(|| from.clone(), |until| json!({"and": [from, until]}));
            kills.extend([during, json!(variant)]);
        }
        served.extend([from, what(&step.serving, outright, has)]);
    }
    served.push(Value::Null);
    let behind = behind(own, json!({ "if": served }));
    if kills.is_empty() {
        return behind;
    }
    kills.push(behind);
    json!({ "if": kills })
}

/// Whether a moment has come. Clocks of evaluators count seconds: not before the moment.
fn begun(from_unix_ms: u64) -> Value {
    json!({">=": [{"var": "$flagd.timestamp"}, from_unix_ms.div_ceil(1_000)]})
}

fn what(serving: &Serving, outright: bool, has: &impl Fn(&str) -> bool) -> Value {
    match serving {
        Serving::Variant(variant) | Serving::Off(variant) | Serving::Killed(variant) if has(variant) => {
            json!(variant)
        }
        Serving::Share(share) if has(&share.variant) && has(&share.otherwise) => drawn(share, outright),
        Serving::Defined
        | Serving::Variant(_)
        | Serving::Share(_)
        | Serving::Schedule(_)
        | Serving::Off(_)
        | Serving::Killed(_) => Value::Null,
    }
}
