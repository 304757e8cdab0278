//! What people ask of flags: decided by the core, then written with its record and its event in one transaction. The next
//! pass gives it to the gateway.

use tidegate_config::did_you_mean;
use tidegate_core::event::Event;
use tidegate_core::model::{FlagKey, FlagState, Name, Release, ReleaseCause, Serving};
use tidegate_core::release::{Asked, Definition, Order, Ordered, Refused, answers_everybody, order};
use tidegate_store::{Reader, StoreError, Tx};

use crate::answer::{place_of, store_trouble};
use crate::engine::{Time, World};
use crate::experiment;
use crate::flag_code::FlagCode;
use crate::plane::{FlagRef, Refusal, RefusalKind};
use crate::trial::{trial, with};

/// Releases looked through for what an order goes back to: a guard makes at most twenty of its own.
const LOOKED_BACK: usize = 100;
/// The longest name of who asks, in characters.
const LONGEST_NAME: usize = 64;

/// A flag that somebody means: where it is, and what is known of it.
pub(crate) struct Found {
    pub(crate) app: Name,
    pub(crate) environment: Name,
    /// `None` where the definitions in force do not have it (any more).
    pub(crate) definition: Option<Definition>,
    pub(crate) state: FlagState,
}

/// Carries an order out; `released`, `waiting` or `already`.
pub fn release(
    world: &mut World<'_>,
    time: Time,
    flag: &FlagRef,
    mut asked: Asked,
) -> Result<&'static str, Refusal> {
    asked.by = called(&asked.by);
    let found = find(world.store, flag)?;
    let definition = match &found.definition {
        Some(definition) => definition.clone(),
        None if asked.order == Order::Archive => Definition::gone(flag.flag.clone()),
        None => return Err(undefined(flag)),
    };
    let Found { app, environment, state, .. } = &found;
    let code = FlagCode::of(world.store, app, environment).map_err(store_trouble)?;
    let mut situation = code.situation(&definition);
    situation.experiment =
        experiment::holds_split(world.store, app, environment, &flag.flag).map_err(store_trouble)?;
    if asked.guard.is_some() {
        situation.guarded = guarded_besides(world.store, &found).map_err(store_trouble)?;
        situation.ruled_out = is_ruled_out(world.store, &found).map_err(store_trouble)?;
    }
    let history =
        world.store.releases_of(app, environment, &flag.flag, LOOKED_BACK).map_err(store_trouble)?;
    let ordered = order(&definition, &situation, state, &history, &asked, time.unix_ms);
    match ordered.map_err(refusal)? {
        Ordered::Already => Ok("already"),
        Ordered::Waits(both) => {
            let (state, release) = *both;
            let message =
                format!("{} waits for its code to serve everywhere, asked by {}", state.key, asked.by);
            let event = Event::about(app.as_str(), environment.as_str(), "flag.waiting", message);
            let write = |tx: &Tx<'_>| {
                tx.changes(Some(&release.before.to_string()), Some("waits for its code"));
                tx.put_flag_state(app, environment, &state)?;
                tx.add_release(app, environment, &release)?;
                tx.event(&event, time.unix_ms).map(drop)
            };
            world.store.transaction(write).map_err(store_trouble)?;
            Ok("waiting")
        }
        Ordered::Released(both) => {
            let (state, release) = *both;
            can_be_served(world.store, &found, &state)?;
            let write = |tx: &Tx<'_>| {
                put_release(tx, app, environment, (&state, &release), time)?;
                // At once, so that a kill can be taken back at once.
                experiment::settle(tx, (app, environment), time).map(drop)
            };
            world.store.transaction(write).map_err(store_trouble)?;
            Ok("released")
        }
    }
}

/// Whether the flag's own rule gives everybody a variant: nobody would be drawn.
fn is_ruled_out(store: &Reader, found: &Found) -> Result<bool, StoreError> {
    let definitions = store.flag_definitions(&found.app, &found.environment)?;
    let document = definitions.map(|found| found.document).unwrap_or_default();
    let flag = document.get("flags").and_then(|flags| flags.get(found.state.key.as_str()));
    let rule = flag.and_then(|flag| flag.get("targeting"));
    Ok(rule.is_some_and(|rule| answers_everybody(rule, document.get("$evaluators"))))
}

/// Other flags of the environment that have a guard, or one that waits.
fn guarded_besides(store: &Reader, found: &Found) -> Result<usize, StoreError> {
    let states = store.flag_states_of(&found.app, &found.environment)?;
    let is_guarded = |state: &&FlagState| {
        let waits = state.waiting.as_ref().is_some_and(|waiting| waiting.guard.is_some());
        !state.archived && (state.guard.is_some() || waits) && state.key != found.state.key
    };
    Ok(states.iter().filter(is_guarded).count())
}

/// Refuses what would leave the gateway without a set that it can serve. What is off takes a flag's rule away: nothing to refuse.
fn can_be_served(store: &Reader, found: &Found, state: &FlagState) -> Result<(), Refusal> {
    let (app, environment) = (&found.app, &found.environment);
    let definitions = store.flag_definitions(app, environment).map_err(store_trouble)?;
    let Some(definitions) = definitions.filter(|_| !state.serving.skips_rules() || state.archived) else {
        return Ok(());
    };
    let states = store.flag_states_of(app, environment).map_err(store_trouble)?;
    match trial(&definitions.document, &with(states, state)) {
        None => Ok(()),
        Some(why) => {
            Err(Refusal::new(RefusalKind::Conflict, "flag::not-servable", format!("{}: {why}", state.key))
                .help("change the rule it names in Git and deploy; nothing was changed"))
        }
    }
}

/// Writes a release: the state, the record and the event. For orders, and for the releases that Tidegate makes itself.
pub(crate) fn put_release(
    tx: &Tx<'_>,
    app: &Name,
    environment: &Name,
    (state, release): (&FlagState, &Release),
    time: Time,
) -> Result<(), StoreError> {
    let Release { before, after, version, .. } = release;
    tx.changes(Some(&before.to_string()), Some(&format!("{after} (version {version})")));
    tx.put_flag_state(app, environment, &state.clone().changed_at(time.now))?;
    tx.add_release(app, environment, release)?;
    tx.event(&told(app, environment, release), release.at_unix_ms).map(drop)
}

/// What the timeline says of a release.
fn told(app: &Name, environment: &Name, release: &Release) -> Event {
    let Release { flag, version, by, why, before, after, .. } = release;
    let kind = match (&release.cause, after) {
        (ReleaseCause::Archived, _) => "flag.archived",
        (ReleaseCause::Withdrawn, _) => "flag.withdrawn",
        (ReleaseCause::RolledBack(_), _) => "flag.rolled_back",
        (ReleaseCause::Scheduled, _) => "flag.scheduled",
        (ReleaseCause::Undefined, _) => "flag.undefined",
        (ReleaseCause::Redefined, _) => "flag.redefined",
        (_, Serving::Killed(_)) => "flag.killed",
        _ => "flag.released",
    };
    let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let change = match release.cause {
        ReleaseCause::Archived => "is not served any more".to_owned(),
        ReleaseCause::Withdrawn => "waits for its code no more".to_owned(),
        _ => format!("from \"{before}\" to \"{after}\""),
    };
    let message = format!("{flag} {change} (version {version}) by {by}{why}");
    Event::about(app.as_str(), environment.as_str(), kind, message)
}

/// The flag meant.
pub(crate) fn find(store: &Reader, flag: &FlagRef) -> Result<Found, Refusal> {
    let (app, environment) = place_of(store, &flag.scope)?;
    let definitions = store.flag_definitions(&app, &environment).map_err(store_trouble)?;
    let state = store.flag_state(&app, &environment, &flag.flag).map_err(store_trouble)?;
    let definition = definitions.as_ref().and_then(|found| Definition::find(&found.document, &flag.flag));
    // One that was defined once and never released is known by when it was seen first.
    if definition.is_some() || state.version > 0 || state.first_seen_unix_ms > 0 {
        return Ok(Found { app, environment, definition, state });
    }
    let keys: Vec<FlagKey> = definitions
        .map(|found| Definition::all(&found.document).into_iter().map(|flag| flag.key).collect())
        .unwrap_or_default();
    Err(unknown(&flag.flag, (&app, &environment), &keys))
}

fn unknown(flag: &FlagKey, (app, environment): (&Name, &Name), keys: &[FlagKey]) -> Refusal {
    let meant = did_you_mean(flag.as_str(), keys.iter().map(FlagKey::as_str));
    let message = format!("{app} in {environment} has no flag `{flag}`{meant}");
    let help = if keys.is_empty() {
        "flags come with `flags:` or `flag_files:` in the manifest, at the next deploy"
    } else {
        "`tidegate flag list` shows them"
    };
    Refusal::new(RefusalKind::NotFound, "flag::unknown", message).help(help)
}

fn undefined(flag: &FlagRef) -> Refusal {
    let key = &flag.flag;
    let message = format!("{key} is not defined any more: nothing of it is served");
    Refusal::new(RefusalKind::Conflict, "flag::undefined", message).help(format!(
        "define it again and deploy, or `tidegate flag archive {key}`; `tidegate flag history {key}` has its past"
    ))
}

fn refusal(refused: Refused) -> Refusal {
    let kind = if refused.is_mistake() { RefusalKind::Invalid } else { RefusalKind::Conflict };
    Refusal::new(kind, refused.code(), refused.to_string()).help(refused.help())
}

/// As they call themselves, on one short line.
fn called(by: &str) -> String {
    let name: String = by.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    if name.is_empty() { "somebody".to_owned() } else { name }
}
