//! What comes into a protected environment: builds that are what was signed of them. Asked before a deploy makes its revision, and before
//! each start of an instance: a rollout, a restart, a scale-up. What runs already is left alone.
//!
//! Files are read on a thread of the workshop's. What was found counts for a short while, so that the instances of a rollout need one
//! look and not one each. Nothing of this is remembered: after a kill it is looked again.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::event::Event;
use tidegate_core::model::{Build, BuildId, Name, RevisionNo, ServiceKey};
use tidegate_core::provenance::AlteredBuild;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Reader, StoreError};

use super::{Engine, Time, World};
use crate::protection;
use crate::provenance::trouble;
use crate::seams::Inspection;

/// How long a look counts.
const FRESH: Millis = Millis::seconds(30);

/// Whether something may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// It may.
    Yes,
    /// Its files are being looked at; the loop is woken then.
    Wait,
    /// It may not, and why: a sentence with what to do.
    No(String),
}

/// What was seen lately, and which builds have their attestation.
#[derive(Debug, Default)]
pub(super) struct Admission {
    looks: BTreeMap<BuildId, Looked>,
    attested: BTreeSet<BuildId>,
    late: Option<BuildId>,
}

/// A look at the files of a build.
#[derive(Debug)]
struct Looked {
    begun: Moment,
    /// When it was over, and what it came to.
    done: Option<(Moment, Inspection)>,
}

/// Which looks count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counts {
    /// Those that began then or later: for a deploy, which is looked at for itself.
    Since(Moment),
    /// Those of the last half minute: for the instances of a rollout.
    Lately,
}

impl Admission {
    /// Whether a build may be one without an attestation, and it is its turn to get one.
    pub(super) fn may_be_late(&self, build: &BuildId) -> bool {
        !self.attested.contains(build) && self.late.as_ref().is_none_or(|late| late == build)
    }

    /// It gets one.
    pub(super) fn begin_late(&mut self, build: &BuildId) {
        self.late = Some(build.clone());
    }

    /// The one whose turn it is, to be asked whether it still can get one.
    pub(super) fn late(&self) -> Option<&BuildId> {
        self.late.as_ref()
    }

    /// The next one's turn: that one went away meanwhile.
    pub(super) fn end_late(&mut self) {
        self.late = None;
    }

    /// It has one, or never gets one.
    pub(super) fn attested(&mut self, build: &BuildId) {
        self.late = self.late.take().filter(|late| late != build);
        self.attested.insert(build.clone());
    }
}

impl Engine {
    /// Forgets what was seen of a build: it was made again.
    pub(super) fn forget_looks(&mut self, build: &BuildId) {
        self.admission.looks.remove(build);
    }

    /// Whether an instance of a revision may be started.
    pub(super) fn admitted_instance(
        &mut self,
        world: &mut World<'_>,
        key: &ServiceKey,
        revision: RevisionNo,
        time: Time,
    ) -> Result<Admitted, StoreError> {
        let Some(revision) = self.revisions.get(world.store, key, revision)? else {
            return Ok(Admitted::Yes);
        };
        self.admitted(world, (&key.app, &key.environment), (&revision.spec.build, Counts::Lately), time)
    }

    /// Whether a build may come into an environment.
    pub(super) fn admitted(
        &mut self,
        world: &mut World<'_>,
        place: (&Name, &Name),
        (id, counts): (&BuildId, Counts),
        time: Time,
    ) -> Result<Admitted, StoreError> {
        let Some(keys) = self.config.keys.clone() else { return Ok(Admitted::Yes) };
        if !is_protected(world.store, place)? {
            return Ok(Admitted::Yes);
        }
        let Some(build) = world.store.build(id)? else { return Ok(Admitted::Yes) };
        let Some(attestation) = world.store.attestation(id)? else {
            let altered = world.store.altered_build(id)?;
            return Ok(
                altered.map_or(Admitted::Wait, |altered| Admitted::No(refused(place, id, &altered.why)))
            );
        };
        let mut problems = trouble(&attestation, &build, &keys);
        let Some(seen) = self.seen(world, (id, &attestation.subject), counts, time) else {
            return Ok(Admitted::Wait);
        };
        problems.extend(seen.problems);
        remember(world, &build, (&seen.digest, &problems), time)?;
        if problems.is_empty() {
            return Ok(Admitted::Yes);
        }
        let admitted = world.store.admitted_build(place, id)?;
        if admitted.is_some_and(|admitted| !seen.digest.is_empty() && admitted.found == seen.digest) {
            tracing::warn!(build = %id, app = %place.0, environment = %place.1, "a build that is not what was signed is let in");
            return Ok(Admitted::Yes);
        }
        Ok(Admitted::No(refused(place, id, &problems.join("; "))))
    }

    /// Why a build that is known not to be what was signed may not be used in an environment. For what runs once and is not asked for
    /// again: nothing is looked at for it.
    pub(super) fn barred(
        &self,
        store: &Reader,
        place: (&Name, &Name),
        id: &BuildId,
    ) -> Result<Option<String>, StoreError> {
        let Some(altered) = store.altered_build(id)? else { return Ok(None) };
        if self.config.keys.is_none() || !is_protected(store, place)? {
            return Ok(None);
        }
        let admitted = store.admitted_build(place, id)?;
        let let_in = admitted.is_some_and(|one| !altered.found.is_empty() && one.found == altered.found);
        Ok((!let_in).then(|| refused(place, id, &altered.why)))
    }

    /// What a look at its files came to, where it is a look that counts; else one is begun.
    fn seen(
        &mut self,
        world: &mut World<'_>,
        (id, subject): (&BuildId, &str),
        counts: Counts,
        time: Time,
    ) -> Option<Inspection> {
        if let Some(looked) = self.admission.looks.get_mut(id) {
            let over = looked.done.is_none().then(|| world.workshop.inspected(id));
            match over {
                // It goes on.
                Some(None) => return None,
                Some(Some(seen)) => looked.done = Some((time.now, seen)),
                None => {}
            }
            let fresh = match counts {
                Counts::Since(moment) => looked.begun >= moment,
                Counts::Lately => looked.done.as_ref().is_some_and(|(at, _)| time.now.since(*at) < FRESH),
            };
            if let Some((_, seen)) = looked.done.as_ref().filter(|_| fresh) {
                return Some(seen.clone());
            }
        }
        world.workshop.inspect(id, subject);
        self.admission.looks.insert(id.clone(), Looked { begun: time.now, done: None });
        None
    }
}

fn is_protected(store: &Reader, (app, environment): (&Name, &Name)) -> Result<bool, StoreError> {
    Ok(protection::known(store, app, environment)?.is_some_and(|policy| policy.protected))
}

/// What was seen stays known, for whoever asks; told once.
fn remember(
    world: &mut World<'_>,
    build: &Build,
    (found, problems): (&str, &[String]),
    time: Time,
) -> Result<(), StoreError> {
    let known = world.store.altered_build(&build.id)?;
    let why = problems.join("; ");
    match &known {
        None if problems.is_empty() => return Ok(()),
        Some(known) if known.why == why && known.found == found => return Ok(()),
        None | Some(_) => {}
    }
    let (kind, message) = if problems.is_empty() {
        ("build.restored", format!("build {} is what was signed again", build.id))
    } else {
        ("build.altered", format!("build {} is not what was signed: {why}", build.id))
    };
    tracing::warn!(build = %build.id, "{kind}");
    let event = Event::of_app(build.app.as_str(), kind, message);
    world.store.transaction(|tx| {
        if problems.is_empty() {
            tx.remove_altered_build(&build.id)?;
        } else {
            let altered =
                AlteredBuild { found: found.to_owned(), why: why.clone(), at_unix_ms: time.unix_ms };
            tx.put_altered_build(&build.id, &altered)?;
        }
        tx.event(&event, time.unix_ms).map(drop)
    })
}

fn refused((_, environment): (&Name, &Name), id: &BuildId, why: &str) -> String {
    format!(
        "build {id} does not come into {environment}, which is protected: {why}. `tidegate verify {id}` says more; put its files back, \
         build a new commit, or in an emergency `tidegate build admit {id} -e {environment} --break-glass WHY`"
    )
}
