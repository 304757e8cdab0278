//! What a plan says of the way into the environment: how a commit comes there, what its run does, what would keep it waiting, and
//! which rules it would bring.

use serde_json::Value;
use tidegate_config::Manifest;
use tidegate_core::model::{EnvironmentPolicy, Name, StageSpec, StageWork};
use tidegate_core::pipeline::{Opening, opening};
use tidegate_core::view::{PlannedStage, PlannedWay};
use tidegate_store::Reader;

use super::store_trouble;
use crate::plane::Refusal;
use crate::protection;

/// By the rules in force; where there are none, by the commit's own.
pub(super) fn planned_way(
    store: &Reader,
    manifest: &Manifest,
    environment: &Name,
    unix_ms: u64,
) -> Result<PlannedWay, Refusal> {
    let own = manifest.policy(environment);
    let in_force = protection::in_force(store, manifest.app(), environment).map_err(store_trouble)?;
    let rules = in_force.as_ref().unwrap_or(&own);
    let waits = match opening(rules, unix_ms) {
        Opening::Open => None,
        Opening::Closed { why, .. } => Some(why),
    };
    Ok(PlannedWay {
        by: by(rules, environment),
        approvals: rules.approvals,
        protected: rules.protected,
        waits,
        changes: in_force.as_ref().map(|rules| changes(rules, &own)).unwrap_or_default(),
        stages: manifest
            .pipeline(environment)
            .stages
            .iter()
            .map(|stage| planned(stage, environment))
            .collect(),
    })
}

fn by(rules: &EnvironmentPolicy, environment: &Name) -> String {
    match (&rules.promote_from, rules.branches.as_slice()) {
        (Some(from), _) if rules.automatic => format!("by itself, once it succeeded in {from}"),
        (Some(from), _) => format!("`tidegate promote -e {from} {environment}`"),
        (None, []) => format!("`tidegate deploy -e {environment}`: no branch leads there"),
        (None, branches) => format!("a push to {}", branches.join(", ")),
    }
}

/// What would be in force after it, key by key; long values are not repeated.
fn changes(rules: &EnvironmentPolicy, own: &EnvironmentPolicy) -> Vec<String> {
    let fields = |policy: &EnvironmentPolicy| match serde_json::to_value(policy) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(rules), fields(own));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let differs = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differs.map(|key| change(key, before.get(key), after.get(key))).collect()
}

fn change(key: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    match (short(before), short(after)) {
        (Some(before), Some(after)) => format!("{key}: {before} -> {after}"),
        _ => format!("{key} changes"),
    }
}

/// A value on one line; `None`: it is more than that.
fn short(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => Some("none".to_owned()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(items)) => {
            let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            words.map(|words| words.join(", "))
        }
        Some(Value::Object(_)) => None,
        Some(value) => Some(value.to_string()),
    }
}

fn planned(stage: &StageSpec, environment: &Name) -> PlannedStage {
    // Of which branch it will be is not known to a plan.
    let only = !stage.when.environments.is_empty() && !stage.when.environments.contains(environment);
    let steps = |count: usize| format!("{count} step{}", if count == 1 { "" } else { "s" });
    let does = match &stage.work {
        _ if only => "is left out here".to_owned(),
        StageWork::Build => "the build".to_owned(),
        StageWork::Steps(of) => steps(of.len()),
        StageWork::Deploy => "the deploy".to_owned(),
        StageWork::Smoke(of) => format!("{} against what has no users yet", steps(of.len())),
        StageWork::Verify => "the rollouts, judged to their end".to_owned(),
        StageWork::Release(flags) => {
            let flags: Vec<String> = flags.iter().map(|(flag, to)| format!("{flag} to {to}")).collect();
            format!("releases {}", flags.join(", "))
        }
    };
    PlannedStage { name: stage.name.to_string(), does }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_compared_key_by_key() {
        let rules = EnvironmentPolicy {
            approvals: 2,
            protected: true,
            approvers: vec!["ann".to_owned(), "bob".to_owned()],
            ..EnvironmentPolicy::default()
        };
        assert_eq!(changes(&rules, &rules), [""; 0]);
        let own = EnvironmentPolicy { promote_from: "staging".parse().ok(), ..EnvironmentPolicy::default() };
        let expected = [
            "approvals: 2 -> 0",
            "approvers: ann, bob -> none",
            "promote_from: none -> staging",
            "protected: true -> false",
        ];
        assert_eq!(changes(&rules, &own), expected);
    }
}
