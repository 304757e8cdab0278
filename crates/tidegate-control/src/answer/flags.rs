//! `tidegate flag list|show|history` and what `tidegate release` answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate_core::experiment::Experiment;
use tidegate_core::flag::Debt;
use tidegate_core::model::{FlagDefinitions, FlagKey, FlagState, Name, Release, Serving, Waiting};
use tidegate_core::release::{Definition, answers_everybody, compose};
use tidegate_core::view::{
    FlagAtRunTime, FlagHistory, FlagInCode, FlagInGit, FlagList, FlagSetView, FlagView, ReleaseView,
    WaitingView,
};
use tidegate_os::clock;
use tidegate_store::Reader;

use super::guard::guard;
use super::timeline::rfc3339;
use super::{Answers, place_of, store_trouble};
use crate::flag_code::FlagCode;
use crate::left_over::{DAYS, left_over};
use crate::plane::{FlagRef, Refusal, Scope};
use crate::release::find;

/// Releases of one answer.
const MOST: usize = 1_000;

/// Where flags are, the code that mentions them, and what is left over.
struct Place<'a> {
    store: &'a Reader,
    app: Name,
    environment: Name,
    code: FlagCode,
    debts: BTreeMap<FlagKey, Vec<Debt>>,
    definitions: Option<FlagDefinitions>,
    /// Those whose split an experiment keeps.
    experiments: BTreeSet<FlagKey>,
}

/// The flags of an environment: those defined, and those that were released once.
pub fn flags(answers: &Answers<'_>, scope: &Scope) -> Result<FlagList, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let place = Place::of(answers.store, (app, environment), None)?;
    let defined =
        place.definitions.as_ref().map(|found| Definition::all(&found.document)).unwrap_or_default();
    let states = answers.store.flag_states_of(&place.app, &place.environment).map_err(store_trouble)?;
    let mut states: BTreeMap<_, _> = states.into_iter().map(|state| (state.key.clone(), state)).collect();
    let mut flags = Vec::new();
    for definition in defined {
        let known = states.remove(&definition.key);
        let state = known.unwrap_or_else(|| FlagState::untouched(definition.key.clone()));
        flags.push(place.view(Some(&definition), &state)?);
    }
    for state in states.values().filter(|state| state.version > 0) {
        flags.push(place.view(None, state)?);
    }
    flags.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(FlagList { flags })
}

/// One flag.
pub fn flag(answers: &Answers<'_>, flag: &FlagRef) -> Result<FlagView, Refusal> {
    let found = find(answers.store, flag)?;
    let place = Place::of(answers.store, (found.app, found.environment), Some(&flag.flag))?;
    let guard = guard(answers, (&place.app, &place.environment), &found.state)?;
    Ok(FlagView { guard, ..place.view(found.definition.as_ref(), &found.state)? })
}

/// Its releases, the newest first.
pub fn flag_history(answers: &Answers<'_>, flag: &FlagRef) -> Result<FlagHistory, Refusal> {
    let found = find(answers.store, flag)?;
    let releases = answers.store.releases_of(&found.app, &found.environment, &flag.flag, MOST);
    let releases = releases.map_err(store_trouble)?.iter().map(release_view).collect();
    Ok(FlagHistory { key: flag.flag.to_string(), releases })
}

/// What Git says and what is served, each as a flag file.
pub fn flag_set(answers: &Answers<'_>, scope: &Scope) -> Result<FlagSetView, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let definitions = answers.store.flag_definitions(&app, &environment).map_err(store_trouble)?;
    let states = answers.store.flag_states_of(&app, &environment).map_err(store_trouble)?;
    let definitions = definitions.map_or_else(|| json!({"flags": {}}), |found| found.document);
    let effective = compose(&definitions, &states);
    Ok(FlagSetView { app: app.to_string(), environment: environment.to_string(), definitions, effective })
}

impl<'a> Place<'a> {
    /// `only`: what is asked about, where that is one flag.
    fn of(
        store: &'a Reader,
        (app, environment): (Name, Name),
        only: Option<&FlagKey>,
    ) -> Result<Self, Refusal> {
        let code = FlagCode::of(store, &app, &environment).map_err(store_trouble)?;
        let definitions = store.flag_definitions(&app, &environment).map_err(store_trouble)?;
        let since = (DAYS, clock::unix_ms());
        let debts = definitions.as_ref().map(|definitions| left_over(store, definitions, only, since));
        let mut by_flag = BTreeMap::<FlagKey, Vec<Debt>>::new();
        for debt in debts.transpose().map_err(store_trouble)?.unwrap_or_default() {
            by_flag.entry(debt.key.clone()).or_default().push(debt);
        }
        let running = store.running_experiments().map_err(store_trouble)?.into_iter();
        let here = running.filter(|one| one.key.app == app && one.key.environment == environment);
        let experiments = here.filter(Experiment::holds_split).map(|one| one.key.flag).collect();
        Ok(Place { store, app, environment, code, debts: by_flag, definitions, experiments })
    }

    /// The flag's own rule, as Git has it.
    fn rule(&self, definition: &Definition) -> Option<&Value> {
        let document = &self.definitions.as_ref()?.document;
        let flag = document.get("flags")?.get(definition.key.as_str())?;
        flag.get("targeting").filter(|_| definition.ruled)
    }

    fn in_git(&self, definition: &Definition) -> FlagInGit {
        let rule = self.rule(definition);
        let evaluators = self.definitions.as_ref().and_then(|found| found.document.get("$evaluators"));
        let for_all = rule.is_some_and(|rule| answers_everybody(rule, evaluators));
        FlagInGit { rule: rule.cloned(), rule_for_all: for_all, ..in_git(definition) }
    }

    fn view(&self, definition: Option<&Definition>, state: &FlagState) -> Result<FlagView, Refusal> {
        let last = match state.version {
            0 => Vec::new(),
            _ => {
                self.store.releases_of(&self.app, &self.environment, &state.key, 1).map_err(store_trouble)?
            }
        };
        Ok(FlagView {
            key: state.key.to_string(),
            app: self.app.to_string(),
            environment: self.environment.to_string(),
            state: word_for(definition, state).to_owned(),
            served: served(definition, state),
            since: (state.first_seen_unix_ms > 0).then(|| rfc3339(state.first_seen_unix_ms)),
            git: definition.map(|definition| self.in_git(definition)),
            run_time: FlagAtRunTime {
                version: state.version,
                serving: state.serving.clone(),
                guard: state.guard.clone(),
                waiting: state.waiting.as_ref().map(waiting_view),
                archived: state.archived,
                last: last.first().map(release_view),
                experiment: self.experiments.contains(&state.key),
            },
            guard: None,
            code: definition.map(|definition| self.in_code(definition)).unwrap_or_default(),
            debt: self.debts.get(&state.key).cloned().unwrap_or_default(),
        })
    }

    fn in_code(&self, definition: &Definition) -> FlagInCode {
        let situation = self.code.situation(definition);
        FlagInCode {
            elsewhere: definition.is_elsewhere(),
            mentioned: situation.mentioned,
            lacking: situation.lacking,
        }
    }
}

/// That what is released of a flag is seen by nobody, where that is so.
pub fn reaches_nobody(flag: &FlagView) -> Option<String> {
    let git = flag.git.as_ref().filter(|git| git.rule_for_all)?;
    let skipped = flag.run_time.serving.at(clock::unix_ms()).skips_rules();
    (!skipped && !git.disabled && flag.run_time.serving != Serving::Defined).then(|| {
        format!(
            "the rule of {} in Git gives everybody a variant: what is released reaches nobody. Take its last branch out and \
             deploy; `off` and `kill` go before rules",
            flag.key
        )
    })
}

fn word_for(definition: Option<&Definition>, state: &FlagState) -> &'static str {
    match (definition, &state.serving) {
        _ if state.archived => "archived",
        (None, _) => "undefined",
        (Some(definition), _) if definition.disabled => "disabled",
        (_, serving) if matches!(serving.at(clock::unix_ms()), Serving::Killed(_)) => "killed",
        (_, serving) if matches!(serving.at(clock::unix_ms()), Serving::Off(_)) => "off",
        _ if state.waiting.is_some() => "waiting",
        _ if state.guard.is_some() => "guarded",
        (_, Serving::Defined) => "defined",
        _ => "released",
    }
}

/// What is served, with the rules that come before it.
fn served(definition: Option<&Definition>, state: &FlagState) -> String {
    let Some(definition) = definition.filter(|definition| !definition.disabled && !state.archived) else {
        return "nothing".to_owned();
    };
    let rest = match (&state.serving, &definition.default) {
        (Serving::Defined, Some(default)) => format!("{default} to everybody"),
        (Serving::Defined, None) => "the default in the code".to_owned(),
        (serving, _) => serving.to_string(),
    };
    let ruled = definition.ruled && !state.serving.at(clock::unix_ms()).skips_rules();
    if ruled { format!("by its rules; else {rest}") } else { rest }
}

fn in_git(definition: &Definition) -> FlagInGit {
    let text = |name: &str| definition.text(name).map(str::to_owned);
    FlagInGit {
        class: text("class"),
        owner: text("owner"),
        description: text("description"),
        expires: text("expires"),
        variants: definition.variants.clone().into_iter().collect(),
        default: definition.default.clone(),
        safe: definition.safe().map(str::to_owned),
        rules: definition.ruled,
        clients: definition.for_clients(),
        disabled: definition.disabled,
        r#type: type_of(definition).map(str::to_owned),
        metric: text("metric"),
        source: text("source"),
        experiment: definition.metadata.get("experiment").cloned(),
        rule: None,
        rule_for_all: false,
    }
}

/// What the values of its variants are, by the first of them: they are of one type.
fn type_of(definition: &Definition) -> Option<&'static str> {
    Some(match definition.variants.values().next()? {
        Value::Bool(_) => "boolean",
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::Object(_) => "object",
        Value::Null | Value::Array(_) => return None,
    })
}

fn waiting_view(waiting: &Waiting) -> WaitingView {
    WaitingView {
        served: waiting.serving.to_string(),
        by: waiting.by.clone(),
        why: waiting.why.clone(),
        at: rfc3339(waiting.at_unix_ms),
    }
}

fn release_view(release: &Release) -> ReleaseView {
    ReleaseView {
        version: release.version,
        at: rfc3339(release.at_unix_ms),
        by: release.by.clone(),
        why: release.why.clone(),
        cause: release.cause.clone(),
        from: release.before.to_string(),
        to: release.after.to_string(),
        before: release.before.clone(),
        after: release.after.clone(),
    }
}
