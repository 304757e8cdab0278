//! Prerequisites: rules that ask what another flag is, `{"==": [{"flag": "new-cart"}, "on"]}`.
//!
//! The other flag's rule becomes an evaluator that gives the name of its variant. In it, the other flag keeps its own draw:
//! what flagd takes from the flag that is evaluated (its key) is written out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::evaluators::name_of;
use crate::Map;
use crate::file::{Definition, Document, FlagFileError};
use crate::options::Fractional;

/// What evaluators made of flags are called, before the key.
const PREFIX: &str = "flag:";
/// How many values the rules of all prerequisites together may have.
const MOST_VALUES: usize = 500_000;

/// The flags that rules ask for.
#[derive(Debug, Default)]
pub(super) struct Prerequisites {
    known: BTreeSet<String>,
    asked: BTreeSet<String>,
}

impl Prerequisites {
    pub(super) fn of(document: &Document) -> Self {
        Self { known: document.flags.keys().cloned().collect(), asked: BTreeSet::new() }
    }

    /// What stands for `{"flag": key}`.
    pub(super) fn reference(&mut self, key: &Value) -> Result<Value, String> {
        match key.as_str().filter(|key| self.known.contains(*key)) {
            Some(key) => {
                self.asked.insert(key.to_owned());
                Ok(json!({"$ref": format!("{PREFIX}{key}")}))
            }
            None => Err(format!("no flag has the key {key}")),
        }
    }

    /// Adds an evaluator for each flag that is asked for. Evaluators find out about circles.
    pub(super) fn to_evaluators(
        &self,
        document: &mut Document,
        fractional: Fractional,
    ) -> Result<(), FlagFileError> {
        let mut bound = Map::new();
        let mut left = MOST_VALUES;
        for (key, flag) in self.asked.iter().filter_map(|key| document.flags.get_key_value(key)) {
            let mut binding = Binding { key, evaluators: &document.evaluators, fractional, left };
            let variant = binding
                .variant(flag)
                .map_err(|message| FlagFileError::of_flag(key, "/targeting", message))?;
            left = binding.left;
            bound.insert(format!("{PREFIX}{key}"), variant);
        }
        document.evaluators.extend(bound);
        Ok(())
    }
}

/// Writes out the key of one flag wherever flagd would take that of the flag that is evaluated.
struct Binding<'b> {
    key: &'b str,
    evaluators: &'b Map,
    fractional: Fractional,
    /// Values that all prerequisites together may still have.
    left: usize,
}

impl Binding<'_> {
    /// A rule that gives the name of the flag's variant, or null.
    fn variant(&mut self, flag: &Definition) -> Result<Value, String> {
        let default = json!(flag.default_variant);
        if flag.disabled {
            return Ok(Value::Null);
        }
        let Some(rule) = &flag.targeting else { return Ok(default) };
        let rule = self.rule(rule)?;
        Ok(if names_only(&rule) {
            json!({"or": [rule, default]})
        } else {
            json!({"if": [{"===": [rule, null]}, default, {"cat": [rule]}]})
        })
    }

    fn rule(&mut self, rule: &Value) -> Result<Value, String> {
        self.left = self.left.checked_sub(1).ok_or("the prerequisites are too large")?;
        if let Some(rule) = name_of(rule).and_then(|name| self.evaluators.get(name)) {
            return self.rule(rule);
        }
        match rule {
            Value::Array(items) => {
                items.iter().map(|item| self.rule(item)).collect::<Result<_, _>>().map(Value::Array)
            }
            Value::Object(members) if is_flag_key(members) => Ok(json!(self.key)),
            Value::Object(members) => {
                let mut bound = Map::new();
                for (name, arg) in members {
                    bound.insert(name.clone(), self.rule(arg)?);
                }
                self.with_key(bound)
            }
            plain => Ok(plain.clone()),
        }
    }

    /// A draw by flag key and targeting key says so.
    fn with_key(&self, mut members: Map) -> Result<Value, String> {
        let is_shorthand = |args: &&Vec<Value>| args.first().is_some_and(Value::is_array);
        let shares = members.get("fractional").and_then(Value::as_array).filter(is_shorthand);
        let Some(shares) = shares.filter(|_| members.len() == 1).cloned() else {
            return Ok(Value::Object(members));
        };
        if self.fractional == Fractional::V3 {
            return Err("under fractional v3, a prerequisite has to say by what it draws".to_owned());
        }
        let mut args = vec![json!({"cat": [self.key, {"var": "targetingKey"}]})];
        args.extend(shares);
        members.insert("fractional".to_owned(), Value::Array(args));
        Ok(json!({"if": [{"var": "targetingKey"}, Value::Object(members), null]}))
    }
}

fn is_flag_key(members: &Map) -> bool {
    const FLAG_KEY: &str = "$flagd.flagKey";
    members.len() == 1
        && members
            .get("var")
            .is_some_and(|path| path == FLAG_KEY || path.get(0).is_some_and(|path| path == FLAG_KEY))
}

/// Whether a rule gives names of variants or null and nothing else, so that what is not true is null.
fn names_only(rule: &Value) -> bool {
    let is_name = |value: &Value| value.is_null() || value.as_str().is_some_and(|name| !name.is_empty());
    let Some((operator, args)) = rule.as_object().and_then(|members| members.iter().next()) else {
        return is_name(rule);
    };
    let args = args.as_array().map_or(&[][..], Vec::as_slice);
    match operator.as_str() {
        "if" => {
            let (pairs, otherwise) = args.as_chunks::<2>();
            args.len() > 1
                && pairs.iter().all(|[_, result]| names_only(result))
                && otherwise.iter().all(names_only)
        }
        "fractional" => {
            args.iter().filter_map(Value::as_array).all(|share| share.first().is_some_and(is_name))
        }
        _ => false,
    }
}
