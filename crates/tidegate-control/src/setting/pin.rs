//! Which versions a revision's references mean, and which of them stand for nothing.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{Name, RevisionSpec};
use tidegate_core::setting::reference::references;
use tidegate_core::setting::{Configured, PinnedParameter, PinnedSecret, Reference, SecretName, Settings};
use tidegate_store::{Reader, StoreError};

use crate::plane::{Refusal, RefusalKind};

pub(crate) type Place<'p> = (&'p Name, &'p Name);

/// A revision's settings as they are now.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    /// What it gets.
    pub(crate) settings: Settings,
    /// What it refers to and is not there.
    pub(crate) missing: Vec<Reference>,
    /// Variables whose references cannot be read, with why.
    pub(crate) unreadable: Vec<String>,
}

/// With the environment's configuration as it is.
pub(crate) fn pinned(store: &Reader, place: Place<'_>, spec: &RevisionSpec) -> Result<Pinned, StoreError> {
    let newest = store.newest_config(place.0, place.1)?;
    let config = newest.map(|kept| Configured { version: kept.version, variables: kept.variables });
    pinned_with(store, place, spec, config)
}

/// With this configuration.
pub(crate) fn pinned_with(
    store: &Reader,
    place: Place<'_>,
    spec: &RevisionSpec,
    config: Option<Configured>,
) -> Result<Pinned, StoreError> {
    let config = config.filter(|config| config.variables.count() > 0);
    let mut pinned = Pinned { settings: Settings { config, ..Settings::default() }, ..Pinned::default() };
    for reference in wanted(spec, &mut pinned) {
        let found = match &reference {
            Reference::Secret(name) => {
                let found = secret(store, place, name)?;
                found.map(|found| pinned.settings.secrets.insert(name.clone(), found)).is_some()
            }
            Reference::Parameter(..) => {
                let found = parameter(store, &reference)?;
                found.map(|found| pinned.settings.parameters.insert(reference.to_string(), found)).is_some()
            }
        };
        if !found {
            pinned.missing.push(reference);
        }
    }
    Ok(pinned)
}

/// Everything that the variables of a revision refer to.
fn wanted(spec: &RevisionSpec, pinned: &mut Pinned) -> BTreeSet<Reference> {
    let mut wanted = BTreeSet::new();
    let services = spec.services.iter().map(|(name, service)| (Some(name), &service.env));
    let jobs = spec.jobs.iter().map(|(name, job)| (Some(name), &job.env));
    let migration = spec.migrate.iter().map(|migrate| (None, &migrate.env));
    for (of, env) in services.chain(jobs).chain(migration) {
        for (variable, value) in pinned.settings.over(env, of) {
            match references(&value) {
                Ok(found) => wanted.extend(found),
                Err(error) => pinned.unreadable.push(format!("{variable}: {error}")),
            }
        }
    }
    pinned.unreadable.sort();
    pinned.unreadable.dedup();
    wanted
}

/// The environment's own where there is one, else the app's.
pub(crate) fn secret(
    store: &Reader,
    (app, environment): Place<'_>,
    name: &SecretName,
) -> Result<Option<PinnedSecret>, StoreError> {
    for (environment, wide) in [(Some(environment), false), (None, true)] {
        let newest = store.newest_secret(app, environment, name)?;
        if let Some(newest) = newest.filter(|newest| !newest.is_removal()) {
            return Ok(Some(PinnedSecret { version: newest.version, wide }));
        }
    }
    Ok(None)
}

fn parameter(store: &Reader, reference: &Reference) -> Result<Option<PinnedParameter>, StoreError> {
    let Reference::Parameter(path, label) = reference else { return Ok(None) };
    let found = match label {
        None => store.newest_parameter(path)?,
        Some(label) => match store.parameter_label(path, label)? {
            Some(labelled) => store.parameter_version(path, labelled.version)?,
            None => None,
        },
    };
    Ok(found.map(|found| PinnedParameter { version: found.version, value: found.value }))
}

impl Pinned {
    /// Why nothing can be started with these, and what to type.
    pub(crate) fn problem(&self, (app, environment): Place<'_>) -> Option<Refusal> {
        if let Some(variable) = self.unreadable.first() {
            let message = format!("a variable of {app} in {environment} cannot be read: {variable}");
            return Some(
                Refusal::new(RefusalKind::Invalid, "config::reference", message)
                    .help("`$${secret.NAME}` is how to write the text itself"),
            );
        }
        let first = self.missing.first()?;
        let names: Vec<String> = self.missing.iter().map(Reference::to_string).collect();
        let message = format!("{app} in {environment} refers to what is not set: {}", names.join(", "));
        let (code, help) = match first {
            Reference::Secret(name) => (
                "secret::missing",
                format!(
                    "`tidegate secret set {name} --app {app} -e {environment}`, with the value on standard input"
                ),
            ),
            Reference::Parameter(path, None) => {
                ("parameter::missing", format!("`tidegate param set {path} VALUE`"))
            }
            Reference::Parameter(path, Some(label)) => {
                ("parameter::missing", format!("`tidegate param label {path} {label} VERSION`"))
            }
        };
        Some(Refusal::new(RefusalKind::Conflict, code, message).help(help))
    }

    /// The same as a sentence.
    pub(crate) fn problem_in_words(&self, place: Place<'_>) -> Option<String> {
        let refusal = self.problem(place)?;
        Some(match refusal.help {
            Some(help) => format!("{} ({help})", refusal.message),
            None => refusal.message,
        })
    }
}

/// The secrets that revisions of an environment pin, by whether they are the app's, name and version.
pub(crate) fn pins_of<'s>(
    settings: impl IntoIterator<Item = &'s Settings>,
) -> BTreeMap<(bool, SecretName), BTreeSet<u32>> {
    let mut pins: BTreeMap<(bool, SecretName), BTreeSet<u32>> = BTreeMap::new();
    for (name, pinned) in settings.into_iter().flat_map(|settings| &settings.secrets) {
        pins.entry((pinned.wide, name.clone())).or_default().insert(pinned.version);
    }
    pins
}
