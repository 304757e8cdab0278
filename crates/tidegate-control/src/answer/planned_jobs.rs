//! The jobs of a plan: what would change about them once the rollouts have succeeded.

use std::collections::BTreeMap;

use tidegate_core::model::{JobSpec, JobState, Name};
use tidegate_core::schedule::{Schedule, Zoned};
use tidegate_core::view::PlannedJob;
use tidegate_os::clock;
use tidegate_store::Reader;

use super::plan::env_changes;
use super::{spec_of, store_trouble};
use crate::intake::Accepted;
use crate::plane::Refusal;

/// Jobs that come, change, stay and go, by name.
pub(super) fn planned_jobs(store: &Reader, accepted: &Accepted) -> Result<Vec<PlannedJob>, Refusal> {
    let states = store.job_states_of(&accepted.app, &accepted.environment).map_err(store_trouble)?;
    let mut planned = BTreeMap::new();
    for (name, spec) in &accepted.spec.jobs {
        let known = states.iter().find(|state| state.key.service == *name);
        let before = known.map(|state| spec_of(store, state)).transpose()?.flatten();
        planned.insert(name.clone(), of_spec(name, before.as_ref(), spec));
    }
    for state in states.iter().filter(|state| !accepted.spec.jobs.contains_key(&state.key.service)) {
        planned.insert(state.key.service.clone(), gone(state));
    }
    Ok(planned.into_values().collect())
}

fn of_spec(name: &Name, before: Option<&JobSpec>, spec: &JobSpec) -> PlannedJob {
    let changes = before.map(|before| changes(before, spec)).unwrap_or_default();
    let action = match before {
        None => "add",
        Some(_) if changes.is_empty() => "unchanged",
        Some(_) => "change",
    };
    let schedule = Schedule::parse(&spec.schedule, &spec.timezone).ok();
    let next = schedule.and_then(|schedule| schedule.next_after(clock::unix_ms()));
    PlannedJob {
        name: name.to_string(),
        action: action.to_owned(),
        schedule: in_words(&spec.schedule, &spec.timezone),
        next: next.map(|next| Zoned::new(next, &spec.timezone).to_string()),
        changes,
    }
}

fn gone(state: &JobState) -> PlannedJob {
    PlannedJob {
        name: state.key.service.to_string(),
        action: "remove".to_owned(),
        schedule: in_words(&state.schedule, &state.timezone),
        next: None,
        changes: Vec::new(),
    }
}

fn in_words(schedule: &str, timezone: &str) -> String {
    format!("{schedule} ({timezone})")
}

fn changes(old: &JobSpec, new: &JobSpec) -> Vec<String> {
    let mut changes = Vec::new();
    if (&old.schedule, &old.timezone) != (&new.schedule, &new.timezone) {
        let (before, after) =
            (in_words(&old.schedule, &old.timezone), in_words(&new.schedule, &new.timezone));
        changes.push(format!("schedule: {before} → {after}"));
    }
    for (what, differs) in [
        ("run", old.run != new.run),
        ("overlap", old.overlap != new.overlap),
        ("timeout", old.timeout != new.timeout),
        ("retries", old.retries != new.retries),
        ("history", old.history != new.history),
        ("catch_up", old.catch_up != new.catch_up),
        ("limits", old.limits != new.limits),
    ] {
        if differs {
            changes.push(format!("{what} changes"));
        }
    }
    changes.extend(env_changes(&old.env, &new.env));
    changes
}
