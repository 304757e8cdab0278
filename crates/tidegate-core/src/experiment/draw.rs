//! How users of a flag are dealt out to its variants by what is served of it now.

use serde_json::Value;

use super::split::Drawn;
use crate::model::{FlagState, Serving};

const MILLION: u64 = 1_000_000;

/// The variants that chance deals users out to. What was released says so, or the only draw in the flag's own rule.
pub(super) fn drawn(definition: &Value, state: &FlagState) -> Result<Vec<Drawn>, String> {
    let released = match &state.serving {
        Serving::Defined => None,
        Serving::Share(share) => {
            let of = u64::from(share.of.0);
            let part = |variant: &String, weight| Drawn { variant: variant.clone(), weight };
            Some(vec![part(&share.otherwise, MILLION.saturating_sub(of)), part(&share.variant, of)])
        }
        Serving::Variant(_) | Serving::Killed(_) => Some(Vec::new()),
        Serving::Schedule(_) => {
            return Err("what is served changes by a schedule: nothing can be compared".to_owned());
        }
    };
    let mut drawn = match released {
        Some(drawn) => drawn,
        None => of_rule(definition)?,
    };
    drawn.retain(|drawn| drawn.weight > 0);
    if drawn.len() < 2 {
        return Err("everybody gets the same variant: release it to a share of the users first".to_owned());
    }
    Ok(drawn)
}

/// Of the flag's own rule. With two draws nobody knows which one a user was dealt out by.
fn of_rule(definition: &Value) -> Result<Vec<Drawn>, String> {
    let mut found = Vec::new();
    if definition.get("state").and_then(Value::as_str) != Some("DISABLED") {
        find(definition.get("targeting").unwrap_or(&Value::Null), &mut found);
    }
    match found.as_slice() {
        [] => Ok(Vec::new()),
        [arguments] => {
            arguments.as_array().map(|arguments| parts(arguments)).unwrap_or_else(|| Ok(Vec::new()))
        }
        _ => Err("its rule draws in more than one place: nobody can say how users are dealt out".to_owned()),
    }
}

fn find<'a>(rule: &'a Value, found: &mut Vec<&'a Value>) {
    match rule {
        Value::Array(items) => items.iter().for_each(|item| find(item, found)),
        Value::Object(map) => map.iter().for_each(|(name, value)| match name.as_str() {
            "fractional" => found.push(value),
            _ => find(value, found),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `[{"var":"user"}, ["on", 1], ["off", 3]]`, the first one left out or not.
fn parts(arguments: &[Value]) -> Result<Vec<Drawn>, String> {
    let part = |pair: &Vec<Value>| {
        let variant = pair.first()?.as_str()?.to_owned();
        let weight =
            pair.get(1).map_or(Some(1), |weight| weight.as_i64().map(|weight| weight.max(0) as u64))?;
        Some(Drawn { variant, weight })
    };
    let mut drawn: Vec<Drawn> = Vec::new();
    for pair in arguments.iter().filter_map(Value::as_array) {
        let one = part(pair).ok_or("its draw has weights that are computed: nothing can be compared")?;
        match drawn.iter_mut().find(|known| known.variant == one.variant) {
            Some(known) => known.weight += one.weight,
            None => drawn.push(one),
        }
    }
    Ok(drawn)
}
