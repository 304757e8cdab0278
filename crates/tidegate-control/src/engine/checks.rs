//! The checks' part of a pass: asks what is due of a rollout's checks, and brings the planner what was heard.
//!
//! What was heard and is not taken in yet can be lost: a control plane that starts anew asks again.

use std::collections::BTreeMap;

use tidegate_core::check::{Answer, CheckState, Heard, Places};
use tidegate_core::model::{
    CheckSource, CheckSpec, Instance, InstanceId, Revision, RevisionNo, Rollout, RolloutId, ServiceSpec,
};
use tidegate_core::rollout::{Answers, counting};
use tidegate_core::time::Moment;
use tidegate_store::StoreError;

use super::ask::{self, Bearer, Get, Pending, Place};
use super::{Engine, Sight, World};
use crate::setting::resolve::Resolver;

mod answer;

/// The checks of all rollouts.
#[derive(Debug, Default)]
pub(super) struct Checks {
    asked: BTreeMap<(RolloutId, String), Asked>,
}

/// One check.
#[derive(Debug, Default)]
struct Asked {
    /// The question without an answer yet, and when it was asked.
    pending: Option<(Moment, Pending)>,
    heard: Option<Heard>,
}

/// Whose check it is.
struct Candidate<'a> {
    rollout: &'a Rollout,
    revision: &'a Revision,
    spec: &'a ServiceSpec,
    places: Places,
}

/// What was heard, and when there is something to ask.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) answers: Answers,
    pub(super) wake: Option<Moment>,
}

impl Checks {
    /// Keeps those of rollouts in progress.
    pub(super) fn retain(&mut self, goes_on: impl Fn(RolloutId) -> bool) {
        self.asked.retain(|(rollout, _), _| goes_on(*rollout));
    }

    /// Drops what is asked no more. A command that still runs then is nobody's, and ended as an orphan.
    fn keep_counting(&mut self, rollout: &Rollout) {
        let counts = |name: &str| counting(rollout).any(|(counts, ..)| counts == name);
        self.asked.retain(|(id, name), _| *id != rollout.id || counts(name));
    }

    /// Whether a unit is a question of ours.
    pub(super) fn has(&self, unit: &InstanceId) -> bool {
        let asks = |asked: &Asked| asked.pending.as_ref().is_some_and(|(_, pending)| pending.is_unit(unit));
        self.asked.values().any(asks)
    }
}

impl Engine {
    /// Asks what is due of the rollout's checks.
    pub(super) fn ask_checks(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        rollout: Option<&Rollout>,
        specs: &BTreeMap<RevisionNo, ServiceSpec>,
        instances: &[Instance],
    ) -> Result<Round, StoreError> {
        let Some(rollout) = rollout else { return Ok(Round::default()) };
        self.checks.keep_counting(rollout);
        if counting(rollout).next().is_none() {
            return Ok(Round::default());
        }
        let revision = self.revisions.get(world.store, &rollout.key, rollout.to)?;
        let (Some(revision), Some(spec)) = (revision, specs.get(&rollout.to)) else {
            return Ok(Round::default());
        };
        let places = places(rollout, instances);
        let candidate = Candidate { rollout, revision: &revision, spec, places };
        let mut round = Round::default();
        for (name, check, state) in counting(rollout) {
            let asked = self.checks.asked.entry((rollout.id, name.to_owned())).or_default();
            asked.look(world, sight, &candidate, (name, check, state));
            round.wake = [round.wake, asked.next_ask(check, state)].into_iter().flatten().min();
            round.answers.extend(asked.heard.clone().map(|heard| (name.to_owned(), heard)));
        }
        Ok(round)
    }
}

impl Asked {
    fn look(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        candidate: &Candidate<'_>,
        (name, check, state): (&str, &CheckSpec, &CheckState),
    ) {
        self.take_reply(world, sight, candidate, (name, check));
        let now = sight.time.now;
        if self.next_ask(check, state).is_none_or(|at| now < at) {
            return;
        }
        match begin(world, candidate, (name, check), now) {
            Ok(pending) => self.pending = Some((now, pending)),
            Err(why) => self.heard = Some(Heard { asked_at: now, answer: Answer::None(why) }),
        }
    }

    fn take_reply(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        candidate: &Candidate<'_>,
        (name, check): (&str, &CheckSpec),
    ) {
        let Some((asked_at, pending)) = self.pending.take() else { return };
        let Some(reply) = pending.reply(world, sight) else {
            self.pending = Some((asked_at, pending));
            return;
        };
        pending.end(world);
        let unit = ask::unit_name(&candidate.rollout.key, "check", name);
        self.heard = Some(Heard { asked_at, answer: answer::of(check, reply, &unit) });
    }

    /// When the next question is due; `None` while one is open.
    fn next_ask(&self, check: &CheckSpec, state: &CheckState) -> Option<Moment> {
        if self.pending.is_some() {
            return None;
        }
        let kept = state.next_ask(check);
        // What was heard since and is not taken in yet.
        let heard = self.heard.as_ref().map(|heard| heard.asked_at).filter(|at| *at >= state.since);
        Some(heard.map_or(kept, |at| kept.max(at + check.every)))
    }
}

fn begin(
    world: &mut World<'_>,
    candidate: &Candidate<'_>,
    (name, check): (&str, &CheckSpec),
    now: Moment,
) -> Result<Pending, String> {
    let Candidate { rollout, revision, spec, places } = candidate;
    let env = || {
        let key = &rollout.key;
        let resolver = Resolver::new(world, (&key.app, &key.environment), &revision.spec.settings);
        resolver.whole(&spec.env, Some(&key.service))
    };
    match &check.source {
        CheckSource::Prometheus { url, query, token } => {
            let (url, query) = (places.fill(url)?, places.fill(query)?);
            let url = ask::query_url(&url, &query, check.timeout);
            Pending::get(Get { url, bearer: bearer(env, token.as_deref())?, within: check.timeout.to_std() })
        }
        CheckSource::Http { url, token, .. } => {
            let (url, bearer) = (places.fill(url)?, bearer(env, token.as_deref())?);
            Pending::get(Get { url, bearer, within: check.timeout.to_std() })
        }
        CheckSource::Command(command) => {
            let place = Place { key: &rollout.key, revision, spec };
            let mut unit = ask::unit_of(world, &place, ("check", name), command, now)?;
            let said = places
                .all()
                .map(|(place, value)| (format!("CHECK_{}", place.to_ascii_uppercase()), value.to_owned()));
            unit.env.extend(said);
            Pending::run(world, &unit, check.timeout, now)
        }
    }
}

/// The token by the name of its variable. Its value is in no message.
fn bearer(
    env: impl FnOnce() -> Result<BTreeMap<String, String>, String>,
    variable: Option<&str>,
) -> Result<Option<Bearer>, String> {
    let Some(variable) = variable else { return Ok(None) };
    let env = env()?;
    let value = env.get(variable).ok_or_else(|| format!("its `token`, {variable}, is not set"))?;
    let bearer = Bearer::new(value).ok_or_else(|| format!("its `token`, {variable}, is not a token"))?;
    Ok(Some(bearer))
}

fn places(rollout: &Rollout, instances: &[Instance]) -> Places {
    let ready = instances.iter().filter(|i| i.revision == rollout.to && i.is_wanted() && i.is_ready());
    Places {
        app: rollout.key.app.to_string(),
        environment: rollout.key.environment.to_string(),
        service: rollout.key.service.to_string(),
        revision: rollout.to.to_string(),
        stable: rollout.from.map(|from| from.to_string()).unwrap_or_default(),
        address: ready.filter_map(|i| i.port).map(|port| format!("127.0.0.1:{port}")).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_value_of_its_variable_and_told_nowhere() {
        let env = [("GOOD", "s3cret"), ("BAD", "s3cret\r\nx: y"), ("EMPTY", "")];
        let env: BTreeMap<_, _> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert!(matches!(bearer(|| Ok(env.clone()), None), Ok(None)));
        assert!(matches!(bearer(|| Ok(env.clone()), Some("GOOD")), Ok(Some(_))));
        for variable in ["BAD", "EMPTY", "NONE"] {
            let error = bearer(|| Ok(env.clone()), Some(variable)).unwrap_err();
            assert!(error.contains(variable) && !error.contains("s3cret"), "{error}");
        }
    }
}
