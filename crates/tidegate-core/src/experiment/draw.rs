//! How users of a flag are dealt out to its variants by what is served of it now.

use std::collections::BTreeSet;

use serde_json::Value;

use super::split::Drawn;
use crate::model::{FlagState, Serving};

const MILLION: u64 = 1_000_000;

const TWICE: &str = "its rule draws in more than one place: nobody can say how users are dealt out";

/// The variants that chance deals users out to, and what it draws by.
#[derive(Debug)]
pub(super) struct Dealt {
    pub(super) drawn: Vec<Drawn>,
    pub(super) by: By,
}

/// What a draw is made from, besides the flag's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// `targetingKey`.
    Key,
    /// One attribute of the context, and perhaps `targetingKey`.
    Attribute(String),
    /// More, or something computed from anything else.
    More,
}

/// How users are dealt out: what was released says so, or the only draw in the flag's own rule, which is written out.
pub(super) fn dealt(definition: &Value, rule: &Value, state: &FlagState) -> Result<Dealt, String> {
    let rule = Ways::of(definition, rule);
    let default = definition.get("defaultVariant").and_then(Value::as_str);
    // What is turned off, or killed, is so before the rule, whatever that is.
    if !state.serving.skips_rules() {
        looked_through(&rule)?;
    }
    let (mut drawn, silent) = match &state.serving {
        Serving::Defined => (of_rule(&rule)?, default),
        Serving::Share(share) if rule.draws.is_empty() => {
            let of = u64::from(share.of.0);
            let part = |variant: &String, weight| Drawn { variant: variant.clone(), weight };
            (vec![part(&share.otherwise, MILLION.saturating_sub(of)), part(&share.variant, of)], None)
        }
        Serving::Share(_) => return Err(TWICE.to_owned()),
        Serving::Variant(variant) => (of_rule(&rule)?, Some(variant.as_str())),
        Serving::Off(_) | Serving::Killed(_) => (Vec::new(), None),
        Serving::Schedule(_) => {
            return Err("what is served changes by a schedule: nothing can be compared".to_owned());
        }
    };
    drawn.retain(|drawn| drawn.weight > 0);
    if drawn.len() < 2 {
        return Err("everybody gets the same variant: release it to a share of the users first".to_owned());
    }
    only_drawn(&drawn, &rule, silent)?;
    Ok(Dealt { drawn, by: by(&state.serving, &rule) })
}

/// Of the flag's own rule. With two draws nobody knows which one a user was dealt out by.
fn of_rule(rule: &Ways<'_>) -> Result<Vec<Drawn>, String> {
    match rule.draws.as_slice() {
        [] => Ok(Vec::new()),
        [arguments] => {
            arguments.as_array().map(|arguments| parts(arguments)).unwrap_or_else(|| Ok(Vec::new()))
        }
        _ => Err(TWICE.to_owned()),
    }
}

fn by(serving: &Serving, rule: &Ways<'_>) -> By {
    if let Serving::Share(share) = serving {
        return share.by.clone().map_or(By::Key, By::Attribute);
    }
    let first = rule.draws.first().and_then(|arguments| arguments.get(0));
    first.filter(|seed| !seed.is_array()).map_or(By::Key, by_seed)
}

/// Of what a draw says it is made from.
fn by_seed(seed: &Value) -> By {
    let mut asked = BTreeSet::new();
    asks(seed, &mut asked);
    asked.retain(|name| !matches!(*name, "targetingKey" | "$flagd.flagKey"));
    match asked.into_iter().collect::<Vec<_>>().as_slice() {
        [] => By::Key,
        [name] if !name.is_empty() && !name.starts_with("$flagd") => By::Attribute((*name).to_owned()),
        _ => By::More,
    }
}

/// The attributes that a value is computed from; an empty one where that is not to be seen.
fn asks<'a>(value: &'a Value, asked: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| asks(item, asked)),
        Value::Object(members) => members.iter().for_each(|(name, argument)| match name.as_str() {
            "var" => {
                let path = argument.as_array().map_or(argument, |list| list.first().unwrap_or(&Value::Null));
                asked.insert(path.as_str().unwrap_or_default());
                argument.as_array().into_iter().flatten().skip(1).for_each(|item| asks(item, asked));
            }
            _ => asks(argument, asked),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// All that a rule can come to: only what stands where it is the rule's answer, and no condition.
#[derive(Default)]
struct Ways<'a> {
    draws: Vec<&'a Value>,
    /// Variants that it gives without a draw.
    given: Vec<&'a str>,
    /// Whether it may say nothing: then what was released, or the default variant, is given.
    silent: bool,
    /// An operator that gives something nobody can look through here.
    computed: Option<&'a str>,
}

impl<'a> Ways<'a> {
    fn of(definition: &Value, rule: &'a Value) -> Self {
        let mut ways = Ways::default();
        let empty = rule.as_object().is_some_and(serde_json::Map::is_empty);
        if empty || definition.get("state").and_then(Value::as_str) == Some("DISABLED") {
            ways.silent = true;
        } else {
            ways.follow(rule);
        }
        ways
    }

    fn follow(&mut self, rule: &'a Value) {
        match rule {
            Value::Null => self.silent = true,
            Value::String(variant) => self.given.push(variant),
            Value::Bool(value) => self.given.push(if *value { "true" } else { "false" }),
            Value::Object(map) if map.len() == 1 => {
                map.iter().for_each(|(name, value)| match name.as_str() {
                    "fractional" => self.draws.push(value),
                    "if" | "?:" => self.branches(value),
                    _ => self.computed = Some(name),
                })
            }
            Value::Number(_) | Value::Array(_) | Value::Object(_) => self.computed = Some("a computed value"),
        }
    }

    /// `[condition, then, condition, then, …, else]`.
    fn branches(&mut self, arguments: &'a Value) {
        let Some(arguments) = arguments.as_array() else { return self.follow(arguments) };
        for two in arguments.chunks(2) {
            match two {
                [_, then] => self.follow(then),
                [otherwise] => self.follow(otherwise),
                _ => {}
            }
        }
        self.silent |= arguments.len() % 2 == 0;
    }
}

fn looked_through(rule: &Ways<'_>) -> Result<(), String> {
    rule.computed.map_or(Ok(()), |operator| {
        Err(format!("its rule gives what `{operator}` comes to: nobody can say who is drawn"))
    })
}

/// Whoever gets a variant of the split must have been drawn: else those a rule chose are compared with those chance did.
fn only_drawn(drawn: &[Drawn], rule: &Ways<'_>, silent: Option<&str>) -> Result<(), String> {
    let silent = silent.filter(|_| rule.silent);
    let given = rule.given.iter().copied().chain(silent);
    let mut chosen = given.filter(|variant| drawn.iter().any(|drawn| drawn.variant == *variant));
    chosen.next().map_or(Ok(()), |variant| {
        Err(format!(
            "its rule gives `{variant}` to users it did not draw: give them a variant of their own, with the same value"
        ))
    })
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
