//! Evaluators that name others are written out, so that a flag's rule names evaluators that name none.
//!
//! flagd's clients replace names in no certain order; after this the order does not matter.

use serde_json::Value;

use crate::Map;
use crate::file::{FlagFileError, escaped};

/// How many values all evaluators together may have once they are written out.
const MOST_VALUES: usize = 500_000;

/// The name in `{"$ref": name}`.
pub(super) fn name_of(rule: &Value) -> Option<&str> {
    let members = rule.as_object().filter(|members| members.len() == 1)?;
    members.get("$ref")?.as_str()
}

/// The names in a rule, as often as they are there.
pub(super) fn names_in<'r>(rule: &'r Value, names: &mut Vec<&'r str>) {
    if let Some(name) = name_of(rule) {
        return names.push(name);
    }
    match rule {
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        Value::Object(members) => members.values().for_each(|member| names_in(member, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes out every name that there is. What names itself, by whatever way, is refused.
pub(super) fn expand(evaluators: &mut Map) -> Result<(), FlagFileError> {
    let mut expansion =
        Expansion { given: evaluators, done: Map::new(), under_way: Vec::new(), left: MOST_VALUES };
    for name in expansion.given.keys() {
        expansion.named(name)?;
    }
    *evaluators = expansion.done;
    Ok(())
}

struct Expansion<'e> {
    given: &'e Map,
    done: Map,
    under_way: Vec<&'e str>,
    left: usize,
}

impl<'e> Expansion<'e> {
    fn named(&mut self, name: &'e str) -> Result<(), FlagFileError> {
        let Some(rule) = self.given.get(name).filter(|_| !self.done.contains_key(name)) else {
            return Ok(());
        };
        let wrong = |message: String| FlagFileError::at(format!("/$evaluators/{}", escaped(name)), message);
        if self.under_way.contains(&name) {
            return Err(wrong(format!(
                "the evaluator depends on itself: {} → {name}",
                self.under_way.join(" → ")
            )));
        }
        self.under_way.push(name);
        let expanded = self.rule(rule)?.ok_or_else(|| wrong("the evaluators are too large".to_owned()))?;
        self.under_way.pop();
        self.done.insert(name.to_owned(), expanded);
        Ok(())
    }

    /// `None`: it gets too large.
    fn rule(&mut self, rule: &'e Value) -> Result<Option<Value>, FlagFileError> {
        if let Some(name) = name_of(rule) {
            self.named(name)?;
            if let Some(expanded) = self.done.get(name) {
                let size = size(expanded);
                let copy = expanded.clone();
                return Ok(self.take(size).then_some(copy));
            }
        }
        if !self.take(1) {
            return Ok(None);
        }
        Ok(match rule {
            Value::Array(items) => {
                let items: Result<Option<Vec<_>>, _> =
                    items.iter().map(|item| self.rule(item)).collect::<Result<_, _>>();
                items?.map(Value::Array)
            }
            Value::Object(members) => {
                let mut expanded = Map::new();
                for (name, member) in members {
                    match self.rule(member)? {
                        Some(member) => expanded.insert(name.clone(), member),
                        None => return Ok(None),
                    };
                }
                Some(Value::Object(expanded))
            }
            plain => Some(plain.clone()),
        })
    }

    fn take(&mut self, values: usize) -> bool {
        match self.left.checked_sub(values) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

fn size(rule: &Value) -> usize {
    1 + match rule {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
