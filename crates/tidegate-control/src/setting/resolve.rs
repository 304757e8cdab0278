//! The environment of a process: references become values in the moment it is started, and those that are secret go to whoever
//! starts it and nowhere else.

use std::collections::BTreeMap;

use tidegate_backend::Sealed;
use tidegate_core::model::{Name, SecretVersion};
use tidegate_core::redact::Redactor;
use tidegate_core::setting::reference::{filled, references};
use tidegate_core::setting::{Reference, SecretName, Settings};
use tidegate_store::Reader;

use super::pin::{Place, secret};
use crate::engine::World;
use crate::vault::Vault;

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
    pub(crate) fn environment(
        &self,
        deployed: &BTreeMap<String, String>,
        of: Option<&Name>,
    ) -> Result<(BTreeMap<String, String>, Sealed), String> {
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
