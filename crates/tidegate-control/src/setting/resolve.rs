//! The environment of a process: references become values in the moment it is started, and those that are secret go to whoever
//! starts it and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_backend::Sealed;
use tidegate_core::model::{Build, Name, SecretVersion};
use tidegate_core::redact::Redactor;
use tidegate_core::setting::reference::{filled, references};
use tidegate_core::setting::{Reference, SecretName, Settings};
use tidegate_store::{Reader, StoreError};

use super::pin::{Place, secret};
use crate::engine::World;
use crate::vault::Vault;

/// Variables that are no secret, and what is; or in words, without any value, why there are none.
pub(crate) type Resolved = Result<(BTreeMap<String, String>, Sealed), String>;

/// What values are resolved with.
pub(crate) struct Resolver<'w> {
    store: &'w Reader,
    vault: Option<&'w Vault>,
    place: Place<'w>,
    settings: &'w Settings,
}

impl<'w> Resolver<'w> {
    /// For a revision's settings.
    pub(crate) fn new(world: &'w World<'_>, place: Place<'w>, settings: &'w Settings) -> Self {
        Resolver { store: world.store, vault: world.vault.as_deref(), place, settings }
    }

    /// The variables of a service, a job or (without a name) the migration: those that are no secret, and what is.
    ///
    /// # Errors
    /// In words, without any value.
    pub(crate) fn environment(&self, deployed: &BTreeMap<String, String>, of: Option<&Name>) -> Resolved {
        let (mut plain, mut sealed) = (BTreeMap::new(), Sealed::default());
        for (name, value) in self.settings.over(deployed, of) {
            let refers = references(&value).map_err(|error| format!("{name}: {error}"))?;
            let mut secret = false;
            for reference in &refers {
                if let Reference::Secret(wanted) = reference {
                    secret = true;
                    if !sealed.secrets.contains_key(wanted.as_str()) {
                        sealed.secrets.insert(wanted.to_string(), self.secret(wanted)?);
                    }
                }
            }
            let of = |reference: &Reference| match reference {
                Reference::Secret(wanted) => sealed.secrets.get(wanted.as_str()).cloned(),
                Reference::Parameter(..) => self.settings.parameter(reference),
            };
            let text = filled(&value, of).map_err(|error| format!("{name}: {error}"))?;
            let into = if secret { &mut sealed.env } else { &mut plain };
            into.insert(name, text);
        }
        Ok((plain, sealed))
    }

    /// The same as one: for what asks with a variable of a service itself.
    pub(crate) fn whole(
        &self,
        deployed: &BTreeMap<String, String>,
        of: Option<&Name>,
    ) -> Result<BTreeMap<String, String>, String> {
        let (mut plain, sealed) = self.environment(deployed, of)?;
        plain.extend(sealed.env);
        Ok(plain)
    }

    fn secret(&self, name: &SecretName) -> Result<String, String> {
        let pinned = self.settings.secrets.get(name).ok_or_else(|| format!("secret.{name} is not set"))?;
        let environment = (!pinned.wide).then_some(self.place.1);
        let found = self.store.secret_version(self.place.0, environment, name, pinned.version);
        let found = found.map_err(|error| error.to_string())?;
        let gone = || format!("secret.{name} v{} is not there any more", pinned.version);
        open(self.vault, &found.ok_or_else(gone)?)
    }
}

fn open(vault: Option<&Vault>, version: &SecretVersion) -> Result<String, String> {
    let vault = vault.ok_or_else(|| "the key of secrets cannot be read: see `tidegate doctor`".to_owned())?;
    vault.value(version).map_err(|error| error.to_string())
}

/// What a build's output is not to tell, though the build is given none: the newest secrets of the app and of the environments it is made
/// for, as many as a shim can be told. One that cannot be opened is left out.
///
/// # Errors
/// Whatever the store says.
pub(crate) fn of_build(world: &World<'_>, build: &Build) -> Result<Sealed, StoreError> {
    let mut hidden = Sealed::default();
    let Some(vault) = world.vault.as_deref() else { return Ok(hidden) };
    let places = made_for(world.store, build)?;
    let newest = newest(world.store.secret_versions_of(&build.app)?);
    let mut room = Sealed::MOST;
    for version in newest {
        let here = version.environment.as_ref().is_none_or(|environment| places.contains(environment));
        let Some(value) = Some(&version).filter(|_| here).and_then(|version| vault.value(version).ok())
        else {
            continue;
        };
        let name = match &version.environment {
            Some(environment) if hidden.secrets.contains_key(version.name.as_str()) => {
                format!("{environment}/{}", version.name)
            }
            Some(_) | None => version.name.to_string(),
        };
        let Some(left) = room.checked_sub(name.len() + value.len()) else { continue };
        room = left;
        hidden.secrets.insert(name, value);
    }
    Ok(hidden)
}

/// The newest version of each that is there. They come by rising version.
fn newest(all: Vec<SecretVersion>) -> Vec<SecretVersion> {
    let heads = all.into_iter().map(|version| ((version.environment.clone(), version.name.clone()), version));
    let heads: BTreeMap<_, _> = heads.collect();
    heads.into_values().filter(|version| !version.is_removal()).collect()
}

/// The environments that deploys and runs want a build for.
fn made_for(store: &Reader, build: &Build) -> Result<BTreeSet<Name>, StoreError> {
    let deploys = store.open_deploys()?.into_iter().filter(|deploy| deploy.build == build.id);
    let mut places: BTreeSet<Name> = deploys.map(|deploy| deploy.environment).collect();
    places.extend(store.pipeline_runs_with(&build.id)?.into_iter().map(|run| run.environment));
    Ok(places)
}

/// The secrets that a step names, by what variables they become; those that are not set are left to another place.
///
/// # Errors
/// In words, without any value.
pub(crate) fn named(
    world: &World<'_>,
    place: Place<'_>,
    names: &[String],
) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for text in names {
        let Ok(name) = text.parse::<SecretName>() else { continue };
        let pinned = secret(world.store, place, &name).map_err(|error| error.to_string())?;
        let Some(pinned) = pinned else { continue };
        let environment = (!pinned.wide).then_some(place.1);
        let version = world.store.secret_version(place.0, environment, &name, pinned.version);
        if let Some(version) = version.map_err(|error| error.to_string())? {
            found.insert(text.clone(), open(world.vault.as_deref(), &version)?);
        }
    }
    Ok(found)
}

/// What takes every secret of every app out of a text: for what is said of somebody's mistakes. One that cannot be opened is left out.
pub(crate) fn redactor_of_all(store: &Reader, vault: &Vault) -> Redactor {
    let all = store.secret_versions().unwrap_or_default();
    let open = all.iter().filter(|version| !version.is_removal());
    let values: Vec<(String, String)> =
        open.filter_map(|version| Some((version.name.to_string(), vault.value(version).ok()?))).collect();
    Redactor::new(values.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}
