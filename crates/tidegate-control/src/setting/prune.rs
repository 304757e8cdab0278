//! Versions of secrets that no revision can come back to need any more are forgotten, as are old versions of configuration.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{Name, SecretVersion};
use tidegate_core::setting::SecretName;
use tidegate_store::{Store, StoreError};

use super::pin::pins_of;

/// Versions of an environment's configuration that are kept. A revision has its own in itself.
const KEEP_CONFIG: u32 = 100;

/// Of which app, of which environment (`None`: the app's own), which.
type Head = (Name, Option<Name>, SecretName);

/// Forgets what nobody needs. The newest version of a secret stays, its removal too: numbers are not given twice.
pub(crate) fn prune(store: &mut Store) -> Result<(), StoreError> {
    let all = store.secret_versions()?;
    let mut newest: BTreeMap<Head, u32> = BTreeMap::new();
    all.iter().for_each(|version| {
        newest.insert(head(version), version.version);
    });
    let past: Vec<SecretVersion> =
        all.into_iter().filter(|version| newest.get(&head(version)) != Some(&version.version)).collect();
    let needed = if past.is_empty() { BTreeSet::new() } else { needed(store)? };
    store.transaction(|tx| {
        let old = past.iter().filter(|version| !needed.contains(&(head(version), version.version)));
        old.into_iter().try_for_each(|version| tx.remove_secret_version(version))?;
        tx.prune_config_versions(KEEP_CONFIG).map(drop)
    })
}

fn head(version: &SecretVersion) -> Head {
    (version.app.clone(), version.environment.clone(), version.name.clone())
}

/// What any revision that is kept refers to.
fn needed(store: &Store) -> Result<BTreeSet<(Head, u32)>, StoreError> {
    let mut needed = BTreeSet::new();
    for (app, environment) in store.apps()? {
        let revisions = store.revisions_of(&app, &environment)?;
        for ((wide, name), versions) in pins_of(revisions.iter().map(|revision| &revision.spec.settings)) {
            let own = (!wide).then(|| environment.clone());
            let head = (app.clone(), own, name);
            needed.extend(versions.into_iter().map(|version| (head.clone(), version)));
        }
    }
    Ok(needed)
}
