//! Why a flag is what it is for one context: the conditions that were looked at, in order, and the draw that decided.

use serde_json::Value;

use crate::Map;
use crate::context::Context;
use crate::flag::{Flag, Rule};
use crate::logic::{Compiler, Env, Node, Scope, Val};
use crate::resolution::Failure;

/// One evaluation, told.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Of the flag.
    pub key: String,
    /// The value, where it did not fail and is not the caller's own.
    pub value: Option<Value>,
    /// Its name.
    pub variant: Option<String>,
    /// As [`crate::Reason::as_str`], or `ERROR`.
    pub reason: &'static str,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
}

/// One part of a rule, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// A JSON pointer into the flag's `targeting`.
    pub pointer: String,
    /// The part, as JSON.
    pub rule: Value,
    /// What it came to; `None`: it failed.
    pub result: Option<Value>,
    /// In words: which branch was taken, who was drawn.
    pub note: String,
}

/// Evaluates once more, and part by part.
pub(crate) fn explain(
    flag: &Flag,
    context: &Context,
    now_unix_s: i64,
    evaluators: &Map,
    compiler: &mut Compiler<'_>,
) -> Explanation {
    let mut telling = Telling { flag, context, now_unix_s, evaluators, compiler, steps: Vec::new() };
    if let (false, Rule::Compiled(_), Some(rule)) =
        (flag.definition.disabled, &flag.rule, &flag.definition.targeting)
    {
        telling.rule(rule, String::new());
    }
    let steps = telling.steps;
    let key = flag.key.to_string();
    match flag.resolve(context, now_unix_s) {
        Ok(resolution) => Explanation {
            key,
            value: resolution.value.cloned(),
            variant: resolution.variant.map(str::to_owned),
            reason: resolution.reason.as_str(),
            failure: None,
            steps,
        },
        Err(failure) => Explanation { steps, ..Explanation::failed(&key, failure) },
    }
}

impl Explanation {
    pub(crate) fn failed(key: &str, failure: Failure) -> Self {
        let key = key.to_owned();
        Self { key, value: None, variant: None, reason: "ERROR", failure: Some(failure), steps: Vec::new() }
    }
}

struct Telling<'t, 'e> {
    flag: &'t Flag,
    context: &'t Context,
    now_unix_s: i64,
    evaluators: &'t Map,
    compiler: &'t mut Compiler<'e>,
    steps: Vec<Step>,
}

impl Telling<'_, '_> {
    /// Follows the branch that is taken; what is no branch is a step.
    fn rule(&mut self, rule: &Value, pointer: String) {
        match operator(rule) {
            Some(("$ref", Value::String(name))) => {
                if let Some(rule) = self.evaluators.get(name).cloned() {
                    self.rule(&rule, format!("/$evaluators/{}", crate::file::escaped(name)));
                }
            }
            Some((operator @ ("if" | "?:"), Value::Array(parts))) => {
                self.branch(parts, &format!("{pointer}/{operator}"));
            }
            _ => {
                let note = self.note_of(rule);
                self.step(rule, pointer, note);
            }
        }
    }

    fn branch(&mut self, parts: &[Value], pointer: &str) {
        let (pairs, otherwise) = parts.as_chunks::<2>();
        for (index, [condition, result]) in pairs.iter().enumerate() {
            let at = format!("{pointer}/{}", 2 * index);
            let (value, holds) = self.evaluate(condition);
            let note = if holds { "holds" } else { "does not hold" };
            let failed = value.is_none();
            self.steps.push(Step {
                pointer: at,
                rule: condition.clone(),
                result: value,
                note: note.to_owned(),
            });
            if holds {
                return self.rule(result, format!("{pointer}/{}", 2 * index + 1));
            }
            if failed {
                return;
            }
        }
        if let Some(otherwise) = otherwise.first() {
            self.rule(otherwise, format!("{pointer}/{}", parts.len() - 1));
        }
    }

    fn step(&mut self, rule: &Value, pointer: String, note: String) {
        let (result, _) = self.evaluate(rule);
        self.steps.push(Step { pointer, rule: rule.clone(), result, note });
    }

    fn evaluate(&mut self, rule: &Value) -> (Option<Value>, bool) {
        let Ok(node) = self.compiler.compile(rule) else { return (None, false) };
        let env = Env::new(self.context, &self.flag.key, self.now_unix_s);
        match node.evaluate(&env, &Scope::TOP) {
            Ok(value) => (Some(value.to_json()), value.is_true()),
            Err(_) => (None, false),
        }
    }

    /// Of a draw, who was drawn and where it fell.
    fn note_of(&mut self, rule: &Value) -> String {
        let Ok(Node::Fractional(draw)) = self.compiler.compile(rule) else { return "the result".to_owned() };
        let env = Env::new(self.context, &self.flag.key, self.now_unix_s);
        match draw.draw(&env, &Scope::TOP) {
            Ok(Some(drawn)) => format!(
                "drawn: hash {:#010x} falls on {} of {}, share {}: {}",
                drawn.hash,
                drawn.point,
                drawn.total,
                drawn.share + 1,
                Val::to_text(&drawn.variant),
            ),
            Ok(None) => "nobody to draw for: no targeting key, or no valid shares".to_owned(),
            Err(fault) => fault.into_details().into_owned(),
        }
    }
}

fn operator(rule: &Value) -> Option<(&str, &Value)> {
    let members = rule.as_object().filter(|members| members.len() == 1)?;
    members.iter().next().map(|(name, arg)| (name.as_str(), arg))
}
