//! One order: what a flag serves after it, or why it stays as it is.

use super::meaning::{self, ALL, meaning};
use super::refused::Refused;
use super::step::{Told, next};
use super::{Asked, Definition, FlagClass, GuardAsked, Order, Ordered, Situation};
use crate::model::{
    FlagState, FlagWatch, Guard, GuardStep, Millionths, Release, ReleaseCause, Serving, UserKey, Waiting,
};
use crate::time::Millis;

/// The longest reason, in characters.
const LONGEST_WHY: usize = 500;
/// The most shares a guard goes through, and ways to tell users apart.
const MOST_STEPS: usize = 20;
const MOST_USER_KEYS: usize = 5;
/// How long a guard watches a share at least, where nothing else is said.
const HOLD: Millis = Millis::seconds(300);
/// The shares of a guard where none are said, in millionths.
const SHARES: [u32; 4] = [50_000, 250_000, 500_000, ALL];

/// Decides. `history`: the flag's releases, newest first; as far back as the last one somebody asked for is enough.
pub fn order(
    definition: &Definition,
    situation: &Situation,
    state: &FlagState,
    history: &[Release],
    asked: &Asked,
    now_unix_ms: u64,
) -> Result<Ordered, Refused> {
    let why = reason(asked)?;
    unchanged(state, history, asked)?;
    let told = Told { by: asked.by.clone(), why, cause: ReleaseCause::Asked };
    if asked.order == Order::Archive {
        unfrozen(definition, situation, &told)?;
        return archived(situation, state, told, now_unix_ms);
    }
    permitted(definition, situation, asked, &told)?;
    if state.waiting.is_some() && takes_back(&asked.order) {
        let told = Told { cause: ReleaseCause::Withdrawn, ..told };
        return Ok(Ordered::Released(Box::new(withdrawn(state, told, now_unix_ms))));
    }
    let (after, guard) = wanted((definition, situation), state, history, asked, now_unix_ms)?;
    meaning::still_there(definition, &after)?;
    if after == state.serving
        && guard.is_none()
        && state.guard.is_none()
        && state.waiting.is_none()
        && !state.archived
    {
        return Ok(Ordered::Already);
    }
    if !situation.lacking.is_empty() && meaning::needs_code(definition, &after) {
        return waits(definition, situation, state, asked, (after, guard, told), now_unix_ms);
    }
    Ok(Ordered::Released(Box::new(next(state, after, guard, told, now_unix_ms))))
}

/// The reason as it is kept: on one line, within its limit.
fn reason(asked: &Asked) -> Result<Option<String>, Refused> {
    let why = asked.why.as_deref().map(str::trim).filter(|why| !why.is_empty());
    if why.is_some_and(|why| why.chars().count() > LONGEST_WHY) {
        return Err(Refused::Invalid(format!("the reason has more than {LONGEST_WHY} characters")));
    }
    let on_one_line = |why: &str| why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(why.map(on_one_line))
}

fn unchanged(state: &FlagState, history: &[Release], asked: &Asked) -> Result<(), Refused> {
    match asked.expect_version {
        Some(expected) if expected != state.version => Err(Refused::Changed {
            key: state.key.clone(),
            expected,
            found: state.version,
            last: history.first().cloned().map(Box::new),
        }),
        _ => Ok(()),
    }
}

/// What holds of a flag as such. A kill is possible at any time.
fn permitted(
    definition: &Definition,
    situation: &Situation,
    asked: &Asked,
    told: &Told,
) -> Result<(), Refused> {
    if asked.order == Order::Kill {
        return Ok(());
    }
    unfrozen(definition, situation, told)?;
    if definition.disabled { Err(Refused::Disabled(definition.key.clone())) } else { Ok(()) }
}

/// Nothing of an experiment that runs is changed, and nothing of a right without a reason.
fn unfrozen(definition: &Definition, situation: &Situation, told: &Told) -> Result<(), Refused> {
    let key = || definition.key.clone();
    match definition.class() {
        _ if situation.experiment => Err(Refused::Experiment(key())),
        Some(class @ FlagClass::Entitlement) if told.why.is_none() => {
            Err(Refused::NeedsWhy { key: key(), class })
        }
        _ => Ok(()),
    }
}

/// What is to be served, and the watch over it.
fn wanted(
    (definition, situation): (&Definition, &Situation),
    state: &FlagState,
    history: &[Release],
    asked: &Asked,
    now_unix_ms: u64,
) -> Result<(Serving, Option<Guard>), Refused> {
    let back = |release: Option<&Release>| {
        let release = release.ok_or_else(|| Refused::NothingToTakeBack(state.key.clone()))?;
        Ok((release.before.clone(), None))
    };
    match (&asked.order, &asked.guard) {
        // What was archived last comes back as it was.
        (Order::Undo | Order::Rollback, None) if state.archived => Ok((state.serving.clone(), None)),
        (Order::Undo, None) => back(changes(history).next()),
        (Order::Rollback, None) => back(changes(history).find(was_asked)),
        (Order::On | Order::Share { .. }, Some(guard)) => {
            can_be_watched(definition, situation)?;
            guarded(definition, state, asked, guard, now_unix_ms)
        }
        (_, Some(_)) => Err(Refused::NothingToGuard),
        (order, None) => Ok((meaning(definition, &state.serving, order, now_unix_ms)?, None)),
    }
}

/// A guard that nobody is drawn for, or that the gateway has no room for, would stand still without a word.
fn can_be_watched(definition: &Definition, situation: &Situation) -> Result<(), Refused> {
    if situation.ruled_out {
        return Err(Refused::NobodyToDraw(definition.key.clone()));
    }
    if situation.guarded >= FlagWatch::MOST {
        return Err(Refused::TooManyGuards { most: FlagWatch::MOST });
    }
    Ok(())
}

/// What changed what is served, newest first. A definition that went and came back with a revision changed nothing.
fn changes(history: &[Release]) -> impl Iterator<Item = &Release> {
    let came_back = |place: usize| {
        place
            .checked_sub(1)
            .and_then(|newer| history.get(newer))
            .is_some_and(|newer| newer.cause == ReleaseCause::Redefined)
    };
    let changes = history.iter().enumerate().filter(move |(place, release)| {
        is_change(release) && !(release.cause == ReleaseCause::Undefined && came_back(*place))
    });
    changes.map(|(_, release)| release)
}

/// Whether it changed what is served to users of a flag that is there.
fn is_change(release: &Release) -> bool {
    // A moment of a schedule was asked for with the schedule: who takes it back takes back the whole.
    !matches!(
        release.cause,
        ReleaseCause::Archived
            | ReleaseCause::Waits
            | ReleaseCause::Withdrawn
            | ReleaseCause::Scheduled
            | ReleaseCause::Redefined
    )
}

fn takes_back(order: &Order) -> bool {
    matches!(order, Order::Undo | Order::Rollback)
}

/// Nothing waits any more; what is served, and the watch over it, stay as they are.
fn withdrawn(state: &FlagState, told: Told, now_unix_ms: u64) -> (FlagState, Release) {
    let (after, release) = next(state, state.serving.clone(), state.guard.clone(), told, now_unix_ms);
    (FlagState { archived: state.archived, ..after }, release)
}

fn was_asked(release: &&Release) -> bool {
    matches!(release.cause, ReleaseCause::Asked | ReleaseCause::Ready)
}

/// The first share of a guarded release, and the guard that leads on from it.
fn guarded(
    definition: &Definition,
    state: &FlagState,
    asked: &Asked,
    guard: &GuardAsked,
    now_unix_ms: u64,
) -> Result<(Serving, Option<Guard>), Refused> {
    let (mut first, mut variant, mut by) = (None, None, None);
    if let Order::Share { of, variant: of_whom, by: drawn } = &asked.order {
        (first, variant, by) = (Some(*of), of_whom.clone(), drawn.clone());
    }
    if guard.user.is_empty() && definition.class() == Some(FlagClass::Entitlement) {
        let key = &definition.key;
        let message = format!(
            "{key} is of class entitlement: whoever can send the name of a user gets it while the gateway draws. Say by what \
             users are told apart with `--user`"
        );
        return Err(Refused::Invalid(message));
    }
    let steps = steps(first, had(definition, &state.serving), guard)?;
    let first = Order::Share { of: steps[0].of, variant, by };
    let after = meaning(definition, &state.serving, &first, now_unix_ms)?;
    let user = if guard.user.is_empty() { user_keys() } else { guard.user.clone() };
    if user.len() > MOST_USER_KEYS {
        return Err(Refused::Invalid(format!("users are told apart in at most {MOST_USER_KEYS} ways")));
    }
    Ok((after, Some(Guard { user, steps, step: 0, since_unix_ms: now_unix_ms })))
}

/// How many have the variant that is on.
fn had(definition: &Definition, served: &Serving) -> u32 {
    match served {
        Serving::Variant(variant) if definition.on() == Some(variant) => ALL,
        Serving::Share(share) if definition.on() == Some(&share.variant) => share.of.0,
        Serving::Defined
        | Serving::Variant(_)
        | Serving::Share(_)
        | Serving::Schedule(_)
        | Serving::Off(_)
        | Serving::Killed(_) => 0,
    }
}

/// The shares a guard goes through: at least one, growing, and the first not of everybody: there would be nobody to compare with.
/// Where no first one is asked for nobody loses what they `had`.
fn steps(first: Option<Millionths>, had: u32, asked: &GuardAsked) -> Result<Vec<GuardStep>, Refused> {
    let hold = asked.hold.or(asked.steps.first().map(|step| step.hold)).unwrap_or(HOLD);
    let mut steps: Vec<GuardStep> = first.map(|of| GuardStep { of, hold }).into_iter().collect();
    if asked.steps.is_empty() {
        let further = SHARES.iter().filter(|of| first.map_or(had, |first| first.0) < **of);
        steps.extend(further.map(|of| GuardStep { of: Millionths(*of), hold }));
    } else {
        steps.extend_from_slice(&asked.steps);
    }
    if steps.first().is_none_or(|step| step.of.0 >= ALL || (first.is_none() && step.of.0 <= had)) {
        let message =
            "a guard begins below 100%, and over the share that has the variant now: say one, like `to 20%`";
        return Err(Refused::Invalid(message.to_owned()));
    }
    let grow = steps.windows(2).all(|two| two[0].of < two[1].of);
    let ends =
        steps.first().is_some_and(|step| step.of.0 > 0) && steps.last().is_some_and(|step| step.of.0 <= ALL);
    if !grow || !ends || steps.len() > MOST_STEPS {
        let message = format!("a guard goes through at most {MOST_STEPS} shares of up to 100% that grow");
        return Err(Refused::Invalid(message));
    }
    Ok(steps)
}

/// Where nothing is said: what most apps have of a user. A field that anybody can set comes last: who is signed in is drawn by
/// what they were given, not by what they say.
fn user_keys() -> Vec<UserKey> {
    vec![
        UserKey::Claim("sub".to_owned()),
        UserKey::Cookie("session".to_owned()),
        UserKey::Header("x-user-id".to_owned()),
    ]
}

fn waits(
    definition: &Definition,
    situation: &Situation,
    state: &FlagState,
    asked: &Asked,
    (serving, guard, told): (Serving, Option<Guard>, Told),
    now_unix_ms: u64,
) -> Result<Ordered, Refused> {
    if !asked.when_ready {
        let revisions = situation.lacking.clone();
        return Err(Refused::NotThere { key: definition.key.clone(), revisions });
    }
    let (by, why) = (told.by.clone(), told.why.clone());
    let waiting = Waiting { serving, guard, by, why, at_unix_ms: now_unix_ms };
    let told = Told { cause: ReleaseCause::Waits, ..told };
    // It counts as a change: whoever saw the version before must not overtake it unseen.
    let (after, release) = next(state, state.serving.clone(), state.guard.clone(), told, now_unix_ms);
    let after = FlagState { waiting: Some(waiting), archived: state.archived, ..after };
    Ok(Ordered::Waits(Box::new((after, release))))
}

/// What it served stays in the record; nothing of it is served any more.
fn archived(
    situation: &Situation,
    state: &FlagState,
    told: Told,
    now_unix_ms: u64,
) -> Result<Ordered, Refused> {
    if !situation.mentioned.is_empty() {
        let revisions = situation.mentioned.clone();
        return Err(Refused::Mentioned { key: state.key.clone(), revisions });
    }
    if !situation.open.is_empty() {
        let revisions = situation.open.clone();
        return Err(Refused::PerhapsMentioned { key: state.key.clone(), revisions });
    }
    if state.archived && state.waiting.is_none() {
        return Ok(Ordered::Already);
    }
    let told = Told { cause: ReleaseCause::Archived, ..told };
    let (mut archived, release) = next(state, state.serving.clone(), None, told, now_unix_ms);
    archived.archived = true;
    Ok(Ordered::Released(Box::new((archived, release))))
}
