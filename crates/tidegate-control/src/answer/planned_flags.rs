//! The flags of a plan: what Git would say of them from then on.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tidegate_core::model::FlagDefinitions;
use tidegate_core::view::PlannedFlag;
use tidegate_store::Reader;

use super::store_trouble;
use crate::defined;
use crate::intake::Accepted;
use crate::plane::{Refusal, RefusalKind};

/// What a deploy would change of the flags in force. `document`: what the folder defines.
pub(super) fn planned_flags(
    store: &Reader,
    accepted: &Accepted,
    document: Option<&str>,
) -> Result<Vec<PlannedFlag>, Refusal> {
    let after = would_be_in_force(store, accepted, document)?;
    let defined = read(document)?;
    let (app, environment) = (&accepted.app, &accepted.environment);
    let before = store.flag_definitions(app, environment).map_err(store_trouble)?;
    let own = flags_of(defined.as_ref());
    Ok(differences(
        &flags_of(before.as_ref().map(|before| &before.document)),
        &flags_of(after.as_ref().map(|after| &after.document)),
        &own,
    ))
}

/// What Git would say of the flags.
pub(super) fn would_be_in_force(
    store: &Reader,
    accepted: &Accepted,
    document: Option<&str>,
) -> Result<Option<FlagDefinitions>, Refusal> {
    let place = (&accepted.app, &accepted.environment);
    defined::in_force(store, place, None, read(document)?.as_ref()).map_err(store_trouble)
}

fn read(document: Option<&str>) -> Result<Option<Value>, Refusal> {
    document.map(serde_json::from_str).transpose().map_err(|error| {
        Refusal::new(RefusalKind::Invalid, "plan::flags", format!("`flags` is no JSON: {error}"))
    })
}

fn flags_of(document: Option<&Value>) -> Map<String, Value> {
    document.and_then(|document| document.get("flags")?.as_object().cloned()).unwrap_or_default()
}

fn differences(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    own: &Map<String, Value>,
) -> Vec<PlannedFlag> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let planned = keys.into_iter().filter_map(|key| {
        let (action, changes) = match (before.get(key), after.get(key)) {
            (None, Some(_)) => ("add", Vec::new()),
            (Some(_), None) => ("remove", Vec::new()),
            (Some(_), Some(_)) if !own.contains_key(key) => ("keep", Vec::new()),
            (Some(old), Some(new)) => ("change", changed(old, new)),
            (None, None) => return None,
        };
        let same = action == "change" && changes.is_empty();
        (!same).then(|| PlannedFlag { key: key.clone(), action: action.to_owned(), changes })
    });
    planned.collect()
}

/// The names of what differs, as flagd has them.
fn changed(old: &Value, new: &Value) -> Vec<String> {
    let members = |flag: &Value| flag.as_object().cloned().unwrap_or_default();
    let (old, new) = (members(old), members(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let flags = |value: Value| value.as_object().cloned().unwrap();
        let before = flags(json!({"a": {"v": 1, "t": 1}, "b": {"v": 1}, "c": {"v": 1}, "d": {"v": 1}}));
        let after = flags(json!({"a": {"v": 2, "m": 1}, "b": {"v": 1}, "d": {"v": 1}, "e": {}}));
        let own = flags(json!({"a": {"v": 2, "m": 1}, "b": {"v": 1}, "e": {}}));
        let told: Vec<_> = differences(&before, &after, &own)
            .into_iter()
            .map(|flag| format!("{} {} {}", flag.key, flag.action, flag.changes.join(",")))
            .collect();
        assert_eq!(told, ["a change m,t,v", "c remove ", "d keep ", "e add "]);
    }
}
