//! Parameters: a tree of values that apps share. None of them is secret.
//!
//! A new value does not reach anybody by itself: apps of others may refer to it, and a slip would roll all of them at once. It counts
//! from each next deploy on; whoever wants it now says so, and sees who rolls.

use tidegate_core::event::Event;
use tidegate_core::model::{Name, ParameterLabel, ParameterVersion};
use tidegate_core::setting::{LONGEST_VALUE, ParameterPath, Reference};
use tidegate_core::view::{ParameterList, ParameterView, SettingChanged, SettingRollout};
use tidegate_store::{Reader, Tx};

use super::asked::{LabelParameter, SetParameter};
use super::roll::{Way, goal, way};
use super::{LONGEST_WHY, glass, line, who};
use crate::answer::{rfc3339, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind};
use crate::protection::{self, Change};

/// The most parameters there are.
const MOST: usize = 5_000;
/// Labels of one parameter.
const MOST_LABELS: usize = 50;
/// Versions of one parameter that are shown.
const MOST_SHOWN: usize = 50;

/// Who rolls, and how.
type Users = Vec<((Name, Name), Way)>;

/// Keeps a new version.
pub(super) fn set(
    world: &mut World<'_>,
    time: Time,
    asked: &SetParameter,
) -> Result<SettingChanged, Refusal> {
    if asked.value.len() > LONGEST_VALUE || asked.value.contains('\0') {
        let message = format!("the value of {} has more than {LONGEST_VALUE} bytes, or a NUL", asked.path);
        return Err(Refusal::new(RefusalKind::Invalid, "parameter::value", message)
            .help("`tidegate param set PATH VALUE`"));
    }
    let newest = world.store.newest_parameter(&asked.path).map_err(store_trouble)?;
    if newest.is_none() && world.store.parameters().map_err(store_trouble)?.len() >= MOST {
        let message = format!("there are {MOST} parameters");
        return Err(Refusal::new(RefusalKind::Conflict, "parameter::many", message)
            .help("`tidegate param list` shows them"));
    }
    if newest.as_ref().is_some_and(|newest| newest.value == asked.value) && asked.label.is_none() {
        let message = format!("param.{} has this value already", asked.path);
        return Err(Refusal::new(RefusalKind::Conflict, "parameter::unchanged", message)
            .help("`tidegate param history PATH` shows its versions"));
    }
    let version = ParameterVersion {
        path: asked.path.clone(),
        version: newest.map_or(1, |newest| newest.version + 1),
        value: asked.value.clone(),
        by: who(&asked.by),
        why: line(&asked.why, LONGEST_WHY),
        at_unix_ms: time.unix_ms,
    };
    let label = asked.label.clone().map(|label| ParameterLabel {
        path: asked.path.clone(),
        label,
        version: version.version,
    });
    let meant = |reference: &Reference| match reference {
        Reference::Parameter(path, None) => *path == asked.path,
        Reference::Parameter(path, Some(of)) => {
            *path == asked.path && label.as_ref().is_some_and(|label| label.label == *of)
        }
        Reference::Secret(_) => false,
    };
    let called = format!("param.{} v{}", version.path, version.version);
    let event = Event::platform("parameter.set", format!("{called} was set by {}", version.by));
    let asked = Asked { rollout: asked.rollout, by: &version.by, why: asked.break_glass.as_ref() };
    spread(world, time, &asked, (&called, &event), meant, |tx| {
        tx.add_parameter_version(&version)?;
        label.iter().try_for_each(|label| tx.put_parameter_label(label))
    })
}

/// Gives a label to a version.
pub(super) fn label(
    world: &mut World<'_>,
    time: Time,
    asked: &LabelParameter,
) -> Result<SettingChanged, Refusal> {
    let found = world.store.parameter_version(&asked.path, asked.version).map_err(store_trouble)?;
    if found.is_none() {
        let message = format!("param.{} has no version {}", asked.path, asked.version);
        return Err(Refusal::new(RefusalKind::NotFound, "parameter::unknown", message)
            .help("`tidegate param history PATH` shows its versions"));
    }
    let known = world.store.parameter_labels(&asked.path).map_err(store_trouble)?;
    if known.len() >= MOST_LABELS && known.iter().all(|label| label.label != asked.label) {
        let message = format!("param.{} has {MOST_LABELS} labels", asked.path);
        return Err(Refusal::new(RefusalKind::Conflict, "parameter::many", message)
            .help("give one of them to this version"));
    }
    let label =
        ParameterLabel { path: asked.path.clone(), label: asked.label.clone(), version: asked.version };
    let meant = |reference: &Reference| matches!(reference, Reference::Parameter(path, Some(of)) if *path == asked.path && *of == asked.label);
    let by = who(&asked.by);
    let called = format!("param.{}:{} v{}", label.path, label.label, label.version);
    let event = Event::platform("parameter.labelled", format!("{called} by {by}"));
    let asked = Asked { rollout: asked.rollout, by: &by, why: asked.break_glass.as_ref() };
    spread(world, time, &asked, (&called, &event), meant, |tx| tx.put_parameter_label(&label))
}

struct Asked<'a> {
    rollout: bool,
    by: &'a str,
    why: Option<&'a String>,
}

/// Writes a change, and has it rolled out where that is asked for; else says who would get it.
fn spread(
    world: &mut World<'_>,
    time: Time,
    asked: &Asked<'_>,
    (called, event): (&str, &Event),
    meant: impl Fn(&Reference) -> bool,
    write: impl FnOnce(&Tx<'_>) -> Result<(), tidegate_store::StoreError>,
) -> Result<SettingChanged, Refusal> {
    let users = users_of(world.store, meant)?;
    if asked.rollout {
        let glass = glass(asked.by, asked.why);
        for ((app, environment), way) in &users {
            way.is_open(world.store)?;
            let what = format!("change {called}");
            let change = Change { place: (app, environment), what: &what, brings: None };
            protection::guard(world.store, time, &change, glass.as_ref())?;
        }
    }
    let rollouts = world.store.transaction(|tx| {
        write(tx)?;
        tx.event(event, time.unix_ms)?;
        let one = |((app, environment), way): &((Name, Name), Way)| match asked.rollout {
            true => way.take(tx, (app, environment), (called, asked.by), time),
            false => Ok(SettingRollout {
                app: app.to_string(),
                environment: environment.to_string(),
                deploy: None,
                what: "refers to it and keeps what it has until its next deploy; `--rollout` rolls it now"
                    .to_owned(),
            }),
        };
        users.iter().map(one).collect::<Result<Vec<_>, _>>()
    });
    let rollouts = rollouts.map_err(store_trouble)?;
    Ok(SettingChanged { what: called.to_owned(), rollouts, ..SettingChanged::default() })
}

/// The environments whose serving revision refers to it.
fn users_of(store: &Reader, meant: impl Fn(&Reference) -> bool) -> Result<Users, Refusal> {
    let mut users = Vec::new();
    for (app, environment) in store.apps().map_err(store_trouble)? {
        let Some(goal) = goal(store, (&app, &environment)).map_err(store_trouble)? else { continue };
        if goal.spec.settings.parameters.keys().filter_map(|text| reference(text)).any(|found| meant(&found))
        {
            let way = way(store, (&app, &environment))?;
            users.push(((app, environment), way));
        }
    }
    Ok(users)
}

/// A reference as settings write it.
fn reference(text: &str) -> Option<Reference> {
    let text = text.strip_prefix("param.")?;
    match text.split_once(':') {
        Some((path, label)) => Some(Reference::Parameter(path.parse().ok()?, Some(label.parse().ok()?))),
        None => Some(Reference::Parameter(text.parse().ok()?, None)),
    }
}

/// The newest version of every parameter below a path; empty: of all.
pub(super) fn list(store: &Reader, under: &str) -> Result<ParameterList, Refusal> {
    let folder = under.trim_end_matches('/');
    let below = |version: &ParameterVersion| {
        let rest = version.path.as_str().strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let all = store.parameters().map_err(store_trouble)?;
    let parameters = all.iter().filter(|version| below(version)).map(|version| view(store, version));
    Ok(ParameterList { parameters: parameters.collect::<Result<_, _>>()? })
}

/// The versions of a parameter, the newest first.
pub(super) fn history(store: &Reader, path: &ParameterPath) -> Result<ParameterList, Refusal> {
    let all = store.parameter_versions(path).map_err(store_trouble)?;
    if all.is_empty() {
        let message = format!("there is no parameter {path}");
        return Err(Refusal::new(RefusalKind::NotFound, "parameter::unknown", message)
            .help("`tidegate param list` shows what there is"));
    }
    let parameters = all.iter().take(MOST_SHOWN).map(|version| view(store, version));
    Ok(ParameterList { parameters: parameters.collect::<Result<_, _>>()? })
}

fn view(store: &Reader, version: &ParameterVersion) -> Result<ParameterView, Refusal> {
    let labels = store.parameter_labels(&version.path).map_err(store_trouble)?;
    let labels = labels.into_iter().filter(|label| label.version == version.version);
    Ok(ParameterView {
        path: version.path.to_string(),
        version: version.version,
        value: version.value.clone(),
        labels: labels.map(|label| label.label.to_string()).collect(),
        by: version.by.clone(),
        why: version.why.clone(),
        at: rfc3339(version.at_unix_ms),
        used_by: used_by(store, version)?,
    })
}

fn used_by(store: &Reader, version: &ParameterVersion) -> Result<Vec<String>, Refusal> {
    let mut users = Vec::new();
    for (app, environment) in store.apps().map_err(store_trouble)? {
        let Some(goal) = goal(store, (&app, &environment)).map_err(store_trouble)? else { continue };
        let of_path = |text: &str| matches!(reference(text), Some(Reference::Parameter(path, _)) if path == version.path);
        let mut pins = goal.spec.settings.parameters.iter();
        if pins.any(|(text, pinned)| of_path(text) && pinned.version == version.version) {
            users.push(format!("{app}/{environment} {}", goal.number));
        }
    }
    Ok(users)
}
