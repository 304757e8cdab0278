//! What is served of a flag, as a change of its definition in Git: after a commit and a deploy of it, `tidegate release reset`
//! changes nothing that anybody sees.
//!
//! Asked by `tidegate flag export`. It says what is to change, not how the file is written: that is for who edits it.

use serde_json::{Map, Value, json};

use super::compose::{behind, drawn};
use super::definition::rule;
use super::meaning::{ALL, variants};
use super::reach::answers_everybody;
use super::{Definition, FlagClass};
use crate::model::{FlagKey, FlagState, Serving, Share};

/// A hundredth of everybody, in millionths.
const PERCENT: u32 = ALL / 100;

/// What is to change in a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenBack {
    /// The default variant from then on; `None`: as it is.
    pub default: Option<String>,
    /// The safe variant, said because it would be another one from then on; `None`: as it is.
    pub safe: Option<String>,
    /// The flag's own rule.
    pub rule: RuleChange,
    /// The definition after it, as flagd has it.
    pub flag: Value,
}

/// What becomes of a flag's own rule.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleChange {
    /// It stays as it is.
    Stays,
    /// It goes: what is off is off for everybody.
    Goes,
    /// Its `if` gets this as its else branch.
    Else(Value),
    /// It is this from then on.
    Is(Value),
}

/// Why what is served of a flag cannot be said in Git.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// It goes by the clock.
    #[error("it goes by a schedule, whose moments are still to come")]
    Scheduled,
    /// A guard is at work.
    #[error("a guard watches it, and changes its share by itself")]
    Guarded,
    /// A release waits.
    #[error("a release of it waits for its code")]
    Waiting,
    /// An experiment runs.
    #[error("an experiment runs on it")]
    Experiment,
    /// It was archived.
    #[error("it is archived: remove its definition")]
    Archived,
    /// Nothing is served of it.
    #[error("it is killed, and nothing is known to be safe: say its `safe` variant first")]
    Nothing,
    /// The folder is not what is served.
    #[error("it serves `{0}`, a variant that it does not have here")]
    NoVariant(String),
    /// Rights are denied by default.
    #[error("an entitlement is denied by default, and everybody has it now")]
    Entitlement,
}

/// What is to change in a document's definition of a flag; `None`: nothing. `experiment`: whether one runs on it.
pub fn write_back(
    document: &Value,
    state: &FlagState,
    experiment: bool,
    now_unix_ms: u64,
) -> Result<Option<WrittenBack>, Unwritten> {
    let key = &state.key;
    let found = document.get("flags").and_then(|flags| flags.get(key.as_str()));
    let (Some(flag), Some(definition)) = (found, Definition::find(document, key)) else { return Ok(None) };
    let serving = settled(state, experiment, now_unix_ms)?;
    if let Some(gone) = variants(serving).into_iter().find(|name| !definition.variants.contains_key(*name)) {
        return Err(if gone.is_empty() { Unwritten::Nothing } else { Unwritten::NoVariant(gone.to_owned()) });
    }
    let (default, rule) = match serving {
        Serving::Defined | Serving::Schedule(_) => return Ok(None),
        Serving::Variant(variant) => (variant, RuleChange::Stays),
        Serving::Off(variant) | Serving::Killed(variant) => {
            (variant, if definition.ruled { RuleChange::Goes } else { RuleChange::Stays })
        }
        Serving::Share(share) => (&share.otherwise, with_draw(document, flag, share)),
    };
    if definition.class() == Some(FlagClass::Entitlement)
        && definition.variants.get(default) != Some(&json!(false))
    {
        return Err(Unwritten::Entitlement);
    }
    let written = changed(document, key, (flag, &definition), (default, rule));
    Ok((written.flag != *flag).then_some(written))
}

/// What is served, where it stays so by itself.
fn settled(state: &FlagState, experiment: bool, now_unix_ms: u64) -> Result<&Serving, Unwritten> {
    let by_itself = [
        (state.archived, Unwritten::Archived),
        (experiment, Unwritten::Experiment),
        (state.guard.is_some(), Unwritten::Guarded),
        (state.waiting.is_some(), Unwritten::Waiting),
        (state.serving.next_moment(now_unix_ms).is_some(), Unwritten::Scheduled),
    ];
    match by_itself.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, why)) => Err(why),
        None => Ok(state.serving.at(now_unix_ms)),
    }
}

/// A share stands behind the flag's own rule.
fn with_draw(document: &Value, flag: &Value, share: &Share) -> RuleChange {
    let outright = document.pointer("/metadata/fractional").is_some_and(|version| version == "v3");
    let draw = if share.by.is_none() && !outright { plain_draw(share) } else { drawn(share, outright) };
    match rule(flag) {
        None => RuleChange::Is(draw),
        Some(own) if takes_else(own, document.get("$evaluators")) => RuleChange::Else(draw),
        Some(own) => RuleChange::Is(behind(Some(own), draw)),
    }
}

/// The draw as a person would write it. Who has no targeting key gets the default variant, which is the others'.
fn plain_draw(share: &Share) -> Value {
    let unit = if share.of.0.is_multiple_of(PERCENT) { PERCENT } else { 1 };
    let (of, rest) = (share.of.0 / unit, ALL.saturating_sub(share.of.0) / unit);
    json!({"fractional": [[share.variant, of], [share.otherwise, rest]]})
}

/// Whether a rule is an `if` without an else that gives a variant wherever a condition holds: only then an else is what a null is.
fn takes_else(rule: &Value, evaluators: Option<&Value>) -> bool {
    let arguments =
        rule.get("if").and_then(Value::as_array).filter(|all| !all.is_empty() && all.len() % 2 == 0);
    let gives =
        |two: &[Value]| two.last().is_some_and(|then| answers_everybody(then, evaluators) && !draws(then));
    rule.as_object().is_some_and(|members| members.len() == 1)
        && arguments.is_some_and(|arguments| arguments.chunks(2).all(gives))
}

/// Whether something is drawn within: a draw says nothing of who is not told apart.
fn draws(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| name == "fractional" || name == "$ref" || draws(value))
        }
        Value::Array(items) => items.iter().any(draws),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn changed(
    document: &Value,
    key: &FlagKey,
    (flag, definition): (&Value, &Definition),
    (default, rule): (&str, RuleChange),
) -> WrittenBack {
    let mut after = flag.clone();
    after["defaultVariant"] = json!(default);
    match &rule {
        RuleChange::Stays => {}
        RuleChange::Goes => drop(after.as_object_mut().and_then(|members| members.shift_remove("targeting"))),
        RuleChange::Else(draw) => {
            after["targeting"]["if"].as_array_mut().into_iter().for_each(|all| all.push(draw.clone()));
        }
        RuleChange::Is(rule) => after["targeting"] = rule.clone(),
    }
    // Where nothing is said to be safe the default is: a kill must not turn on what is served now.
    let safe = definition
        .safe()
        .filter(|safe| safe_of(document, key, &after).as_deref() != Some(safe))
        .map(str::to_owned);
    if let Some(safe) = &safe {
        let members = after
            .as_object_mut()
            .map(|flag| flag.entry("metadata").or_insert_with(|| Value::Object(Map::new())));
        members.and_then(Value::as_object_mut).into_iter().for_each(|metadata| {
            metadata.insert("safe".to_owned(), json!(safe));
        });
    }
    let default = (definition.default.as_deref() != Some(default)).then(|| default.to_owned());
    WrittenBack { default, safe, rule, flag: after }
}

/// What would be safe of a flag that is defined so.
fn safe_of(document: &Value, key: &FlagKey, flag: &Value) -> Option<String> {
    let alone = json!({"flags": {key.as_str(): flag}, "metadata": document.get("metadata").cloned().unwrap_or_default()});
    Definition::find(&alone, key)?.safe().map(str::to_owned)
}
