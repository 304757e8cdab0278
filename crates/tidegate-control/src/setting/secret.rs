//! Secrets: written, never read back.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_core::event::Event;
use tidegate_core::model::{Name, Revision, SecretVersion};
use tidegate_core::redact::SHORTEST;
use tidegate_core::setting::{LONGEST_VALUE, SecretName};
use tidegate_core::view::{DoctorFinding, KeyRotated, SecretList, SecretView, SettingChanged, Severity};
use tidegate_store::Reader;

use super::asked::{RemoveSecret, RotateKey, SetSecret};
use super::roll::{Way, goal, way};
use super::{app_meant, glass, who};
use crate::answer::{rfc3339, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind, Scope};
use crate::protection::{self, Change};
use crate::vault::{SealedValue, Vault, VaultError};

/// Secrets of one app, in all of its environments.
const MOST: usize = 300;

/// Keeps a new version and has it rolled out wherever what serves refers to it.
pub(super) fn set(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    asked: &SetSecret,
) -> Result<SettingChanged, Refusal> {
    let app = app_meant(world.store, scope.app.as_ref())?;
    let value = asked.value.reveal();
    can_be_kept(value)?;
    let SealedValue { sealed, fingerprint, key } = vault(world)?.seal(value).map_err(vault_trouble)?;
    let newest = world.store.newest_secret(&app, scope.environment.as_ref(), &asked.name);
    let newest = newest.map_err(store_trouble)?;
    if newest.as_ref().is_some_and(|newest| newest.fingerprint == fingerprint && newest.key == key) {
        let message = format!("secret.{} has this value already", asked.name);
        return Err(Refusal::new(RefusalKind::Conflict, "secret::unchanged", message)
            .help("`tidegate secret list` shows its version"));
    }
    there_is_room(world.store, &app, newest.is_some())?;
    let version = SecretVersion {
        app: app.clone(),
        environment: scope.environment.clone(),
        name: asked.name.clone(),
        version: newest.map_or(1, |newest| newest.version + 1),
        sealed,
        fingerprint,
        key,
        by: who(&asked.by),
        at_unix_ms: time.unix_ms,
    };
    let mut ways = Vec::new();
    for environment in users_of(world.store, &version)?.into_iter().filter(|_| !asked.later) {
        let way = way(world.store, (&app, &environment))?;
        way.is_open(world.store)?;
        ways.push((environment, way));
    }
    let glass = glass(&version.by, asked.break_glass.as_ref());
    for (environment, _) in &ways {
        let what = format!("change the secret {}", version.name);
        let change = Change { place: (&app, environment), what: &what, brings: None };
        protection::guard(world.store, time, &change, glass.as_ref())?;
    }
    let called = format!("secret.{} v{}", version.name, version.version);
    let event = told(&version, "secret.set", format!("{called} was set by {}", version.by));
    let rollouts = world.store.transaction(|tx| {
        tx.put_secret_version(&version)?;
        tx.event(&event, time.unix_ms)?;
        let take = |(environment, way): &(Name, Way)| {
            way.take(tx, (&app, environment), (&called, &version.by), time)
        };
        ways.iter().map(take).collect::<Result<Vec<_>, _>>()
    });
    let mut warnings = Vec::new();
    warnings.extend((value.trim().len() < SHORTEST).then(|| {
        format!(
            "it has fewer than {SHORTEST} bytes: that is too short to be taken out of what programs write"
        )
    }));
    Ok(SettingChanged {
        what: called,
        changes: Vec::new(),
        rollouts: rollouts.map_err(store_trouble)?,
        warnings,
    })
}

fn can_be_kept(value: &str) -> Result<(), Refusal> {
    if (1..=LONGEST_VALUE).contains(&value.len()) && !value.contains('\0') {
        return Ok(());
    }
    let message = format!("a secret has 1 to {LONGEST_VALUE} bytes and no NUL");
    Err(Refusal::new(RefusalKind::Invalid, "secret::value", message)
        .help("`tidegate secret set NAME < FILE`, or `--from-file FILE`"))
}

fn there_is_room(store: &Reader, app: &Name, known: bool) -> Result<(), Refusal> {
    let all = store.secret_versions_of(app).map_err(store_trouble)?;
    if known || heads(&all).len() < MOST {
        return Ok(());
    }
    Err(Refusal::new(RefusalKind::Conflict, "secret::many", format!("{app} has {MOST} secrets"))
        .help("`tidegate secret remove NAME` makes room"))
}

/// The newest version of each secret, by environment and name.
fn heads(all: &[SecretVersion]) -> BTreeMap<(Option<&Name>, &SecretName), &SecretVersion> {
    // They come by rising version.
    all.iter().map(|version| ((version.environment.as_ref(), &version.name), version)).collect()
}

/// The environments of the app whose serving revision has the secret, and would have this one.
fn users_of(store: &Reader, version: &SecretVersion) -> Result<Vec<Name>, Refusal> {
    let mut users = Vec::new();
    for (environment, goal) in serving(store, &version.app)? {
        let pinned = goal.spec.settings.secrets.get(&version.name);
        let meant = match &version.environment {
            Some(own) => *own == environment && pinned.is_some(),
            None => pinned.is_some_and(|pinned| pinned.wide),
        };
        users.extend(meant.then_some(environment));
    }
    Ok(users)
}

fn serving(store: &Reader, app: &Name) -> Result<Vec<(Name, Revision)>, Refusal> {
    let mut serving = Vec::new();
    for (of, environment) in store.apps().map_err(store_trouble)? {
        if of == *app
            && let Some(goal) = goal(store, (app, &environment)).map_err(store_trouble)?
        {
            serving.push((environment, goal));
        }
    }
    Ok(serving)
}

/// Has no deploy get it any more. Refused while what serves has it.
pub(super) fn remove(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    asked: &RemoveSecret,
) -> Result<SettingChanged, Refusal> {
    let app = app_meant(world.store, scope.app.as_ref())?;
    let newest = world.store.newest_secret(&app, scope.environment.as_ref(), &asked.name);
    let Some(newest) = newest.map_err(store_trouble)?.filter(|newest| !newest.is_removal()) else {
        let message = format!("{app} has no secret `{}` there", asked.name);
        return Err(Refusal::new(RefusalKind::NotFound, "secret::unknown", message)
            .help("`tidegate secret list` shows what there is; `-e ENV` means an environment's own"));
    };
    let users = used_by(&serving(world.store, &app)?, &newest);
    if !users.is_empty() {
        let message = format!("secret.{} is used by {}", asked.name, users.join(", "));
        return Err(Refusal::new(RefusalKind::Conflict, "secret::in-use", message)
            .help("deploy a version that does not refer to it first"));
    }
    let version = SecretVersion {
        version: newest.version + 1,
        sealed: String::new(),
        fingerprint: String::new(),
        by: who(&asked.by),
        at_unix_ms: time.unix_ms,
        ..newest
    };
    let message = format!("secret.{} was removed by {}", version.name, version.by);
    let event = told(&version, "secret.removed", message);
    let written = world.store.transaction(|tx| {
        tx.put_secret_version(&version)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)?;
    let what = format!("secret.{} is removed", version.name);
    Ok(SettingChanged { what, ..SettingChanged::default() })
}

/// Where a secret is in what serves: `production r4 v2`.
fn used_by(serving: &[(Name, Revision)], newest: &SecretVersion) -> Vec<String> {
    let uses = |(environment, goal): &(Name, Revision)| {
        let pinned = goal.spec.settings.secrets.get(&newest.name)?;
        let meant = match &newest.environment {
            Some(own) => own == environment && !pinned.wide,
            None => pinned.wide,
        };
        meant.then(|| format!("{environment} {} v{}", goal.number, pinned.version))
    };
    serving.iter().filter_map(uses).collect()
}

/// The secrets of an app, or of all.
pub(super) fn list(store: &Reader, scope: &Scope) -> Result<SecretList, Refusal> {
    let app = app_meant(store, scope.app.as_ref())?;
    let all = store.secret_versions_of(&app).map_err(store_trouble)?;
    let serving = serving(store, &app)?;
    let here = |version: &&&SecretVersion| {
        let asked = scope.environment.as_ref();
        !version.is_removal()
            && (asked.is_none() || version.environment.is_none() || version.environment.as_ref() == asked)
    };
    let heads = heads(&all);
    let view = |version: &&SecretVersion| SecretView {
        app: app.to_string(),
        environment: version.environment.as_ref().map(Name::to_string),
        name: version.name.to_string(),
        version: version.version,
        fingerprint: version.fingerprint.clone(),
        by: version.by.clone(),
        at: rfc3339(version.at_unix_ms),
        used_by: used_by(&serving, version),
    };
    Ok(SecretList { secrets: heads.values().filter(here).map(view).collect() })
}

/// Makes a new key and encrypts everything with it.
pub(super) fn rotate(world: &mut World<'_>, time: Time, asked: &RotateKey) -> Result<KeyRotated, Refusal> {
    let vault = world.vault.clone().ok_or_else(no_vault)?;
    let (key, secrets) = vault.rotate(world.store, time.unix_ms).map_err(vault_trouble)?;
    let message = format!("the key of secrets was changed by {}: {secrets} values", who(&asked.by));
    let event = Event::platform("secret.key_rotated", message);
    let told = world.store.transaction(|tx| tx.event(&event, time.unix_ms).map(drop));
    told.map_err(store_trouble)?;
    Ok(KeyRotated { key, secrets })
}

/// Whether the key of this data directory opens what is stored.
pub(crate) fn finding(store: &Reader, data: &Path) -> Option<DoctorFinding> {
    let all = store.secret_versions().ok()?;
    let secrets: Vec<_> = all.iter().filter(|version| !version.is_removal()).collect();
    let first = secrets.first()?;
    let found = Vault::open(data).and_then(|vault| {
        secrets.iter().try_for_each(|version| vault.value(version).map(drop)).map(|()| secrets.len())
    });
    let (severity, message, help) = match found {
        Ok(count) => (Severity::Ok, format!("{count} versions of secrets, all of which the key opens"), None),
        Err(error) => {
            let help = format!(
                "bring back `keys/secrets.age` of the data directory, or set what is lost again: `tidegate secret set {} --app {}`",
                first.name, first.app
            );
            (Severity::Error, error.to_string(), Some(help))
        }
    };
    Some(DoctorFinding { severity, check: "secrets".to_owned(), message, help })
}

fn vault<'w>(world: &'w World<'_>) -> Result<&'w Vault, Refusal> {
    world.vault.as_deref().ok_or_else(no_vault)
}

fn no_vault() -> Refusal {
    let message = "the key of secrets cannot be read or made";
    Refusal::new(RefusalKind::Environment, "secret::keys", message)
        .help("see what `tidegate up` wrote, and the folder `keys` of the data directory")
}

fn vault_trouble(error: VaultError) -> Refusal {
    match error {
        VaultError::Store(error) => store_trouble(error),
        error @ VaultError::Many => Refusal::new(RefusalKind::Conflict, "secret::many", error.to_string())
            .help("wait: keys are forgotten a day after they were changed"),
        error @ (VaultError::File(..) | VaultError::Sealed(_) | VaultError::Encrypt) => {
            Refusal::new(RefusalKind::Environment, "secret::keys", error.to_string())
                .help("see the folder `keys` of the data directory, and `tidegate doctor`")
        }
    }
}

fn told(version: &SecretVersion, kind: &str, message: String) -> Event {
    match &version.environment {
        Some(environment) => Event::about(version.app.as_str(), environment.as_str(), kind, message),
        None => Event::of_app(version.app.as_str(), kind, message),
    }
}
