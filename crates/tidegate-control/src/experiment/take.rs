//! Taking a batch of events: all of it in one transaction, so that a batch sent again after a kill changes nothing.

use std::collections::BTreeMap;

use tidegate_core::experiment::{
    EventsTaken, Experiment, ExperimentKey, MOST_USERS, Measure, Metric, Source, User, UserDigest,
};
use tidegate_core::model::Name;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Counter, StoreError, Tx};

use super::close::told;
use super::pseudonym::{Measured, Received, Seen};
use super::standing::{Designed, settle, tell};
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::plane::Refusal;

/// The most events of one user that are kept until their time is over.
const MOST_OF_USER: u64 = 500;
/// The most events of an experiment that are kept at once.
const MOST_KEPT: u64 = 1_000_000;
/// However old an exposure is when it comes, events that belong to it have so long to come too.
const SETTLES: Millis = Millis(60_000);

/// Takes a batch of an environment.
pub fn take(
    world: &mut World<'_>,
    time: Time,
    (app, environment): (&Name, &Name),
    received: &Received,
) -> Result<EventsTaken, Refusal> {
    let taken = world.store.transaction(|tx| take_in(tx, time, (app, environment), received));
    taken.map_err(store_trouble)
}

fn take_in(
    tx: &Tx<'_>,
    time: Time,
    place: (&Name, &Name),
    received: &Received,
) -> Result<EventsTaken, StoreError> {
    let designs = settle(tx, place, time)?;
    let mut taking = Taking::begin(tx, place, time, designs)?;
    received.measured.iter().for_each(|one| taking.note(one));
    received.exposures.iter().try_for_each(|one| taking.see(one))?;
    received.measured.iter().try_for_each(|one| taking.measure(one))?;
    taking.finish()
}

/// A batch on its way in.
pub(super) struct Taking<'a> {
    pub(super) tx: &'a Tx<'a>,
    time: Time,
    place: (&'a Name, &'a Name),
    pub(super) designs: Vec<Designed>,
    pub(super) running: Vec<Run>,
    /// When each user of the batch did something first.
    first: BTreeMap<UserDigest, u64>,
    taken: EventsTaken,
}

/// An experiment that runs, as it was and as it is to be.
pub(super) struct Run {
    pub(super) experiment: Experiment,
    before: Experiment,
}

impl<'a> Taking<'a> {
    pub(super) fn begin(
        tx: &'a Tx<'a>,
        place: (&'a Name, &'a Name),
        time: Time,
        designs: Vec<Designed>,
    ) -> Result<Self, StoreError> {
        let here = |one: &Experiment| one.key.app == *place.0 && one.key.environment == *place.1;
        let mut running = Vec::new();
        for experiment in tx.running_experiments()?.into_iter().filter(here) {
            running.push(Run { before: experiment.clone(), experiment });
        }
        let first = BTreeMap::new();
        Ok(Taking { tx, time, place, designs, running, first, taken: EventsTaken::default() })
    }

    fn note(&mut self, measured: &Measured) {
        let first = self.first.entry(measured.user).or_insert(measured.at_unix_ms);
        *first = (*first).min(measured.at_unix_ms);
    }

    /// What a user of the batch did first: an exposure that does not say when it was comes before that.
    fn first_event(&self, user: &UserDigest) -> Option<u64> {
        self.first.get(user).copied()
    }

    /// A user is served a variant.
    pub(super) fn see(&mut self, seen: &Seen) -> Result<(), StoreError> {
        let at = seen.at_unix_ms.or_else(|| self.first_event(&seen.user)).unwrap_or(self.time.unix_ms);
        let at = at.min(self.time.unix_ms);
        let Some(run) = self.run_of(seen, at)? else {
            self.taken.ignored += 1;
            return Ok(());
        };
        let Run { experiment, .. } = &mut self.running[run];
        let Some(place) = experiment.design.place_of(&seen.variant) else {
            experiment.left_out.not_drawn += 1;
            self.taken.left_out += 1;
            return Ok(());
        };
        match self.tx.experiment_user(experiment.id, &seen.user)? {
            None => self.first_seen(run, seen, place, at),
            Some(user) if user.place != place && !user.crossed => self.crossed(run, seen, user),
            Some(user) => {
                self.taken.repeated += 1;
                self.seen_again(run, seen, user, at)
            }
        }
    }

    /// The running experiment of a flag, begun where it is to be one. What was dealt out before the last release was dealt out
    /// in another way.
    fn run_of(&mut self, seen: &Seen, at: u64) -> Result<Option<usize>, StoreError> {
        let Some(designed) = self.designs.iter().find(|designed| designed.flag == seen.flag) else {
            return Ok(None);
        };
        let Ok(design) = &designed.design else { return Ok(None) };
        if at < designed.since_unix_ms(self.time) {
            return Ok(None);
        }
        let known = self.running.iter().position(|run| run.experiment.key.flag == seen.flag);
        if known.is_some() {
            return Ok(known);
        }
        let (app, environment) = self.place;
        let key =
            ExperimentKey { app: app.clone(), environment: environment.clone(), flag: seen.flag.clone() };
        if self.tx.last_experiment(&key)?.is_some_and(|last| last.design.is_same(design)) {
            return Ok(None); // it was stopped
        }
        let id = self.tx.next_id(Counter::Experiment)?;
        let experiment = Experiment::begin(id, key, design.clone(), self.time.unix_ms);
        self.tx.put_experiment(&experiment)?;
        let message = format!("the experiment on `{}` begins with its first user", seen.flag);
        tell(self.tx, self.time, &experiment.key, "experiment.begun", message)?;
        self.running.push(Run { before: experiment.clone(), experiment });
        Ok(Some(self.running.len() - 1))
    }

    fn first_seen(&mut self, run: usize, seen: &Seen, place: usize, at: u64) -> Result<(), StoreError> {
        let experiment = &mut self.running[run].experiment;
        if experiment.seen() >= MOST_USERS {
            experiment.left_out.over += 1;
            self.taken.left_out += 1;
            return Ok(());
        }
        experiment.on_seen(place, self.time.unix_ms);
        let user = User { place, seen_at_unix_ms: at, ..User::default() };
        let due = due(self.time, at, experiment.design.within);
        self.taken.users += 1;
        self.tx.put_experiment_user(experiment.id, &seen.user, &user, Some(due))
    }

    fn crossed(&mut self, run: usize, seen: &Seen, mut user: User) -> Result<(), StoreError> {
        let experiment = &mut self.running[run].experiment;
        experiment.on_crossed(user.place, user.values.as_deref());
        user.crossed = true;
        self.taken.left_out += 1;
        self.tx.put_experiment_user(experiment.id, &seen.user, &user, None)?;
        let dropped = self.tx.drop_measures(experiment.id, &seen.user)?;
        experiment.kept = experiment.kept.saturating_sub(dropped);
        Ok(())
    }

    /// The same variant again. Batches come in any order: whoever was seen earlier than was known has begun earlier.
    fn seen_again(&self, run: usize, seen: &Seen, mut user: User, at: u64) -> Result<(), StoreError> {
        if user.crossed || user.values.is_some() || at >= user.seen_at_unix_ms {
            return Ok(());
        }
        let experiment = &self.running[run].experiment;
        user.seen_at_unix_ms = at;
        let due = due(self.time, at, experiment.design.within);
        self.tx.put_experiment_user(experiment.id, &seen.user, &user, Some(due))
    }

    /// A user did something: for every experiment that measures it.
    fn measure(&mut self, measured: &Measured) -> Result<(), StoreError> {
        let mut wanted = false;
        for run in &mut self.running {
            let metrics = &run.experiment.design.metrics;
            // Nobody but the gateway says what it saw.
            let is_meant = |one: &Metric| one.name == measured.metric && one.source() == Source::Posted;
            let Some(metric) = metrics.iter().position(is_meant) else {
                continue;
            };
            wanted = true;
            let measure = Measure { metric, at_unix_ms: measured.at_unix_ms, value: measured.value };
            add(self.tx, self.time, run, measured, &measure, &mut self.taken)?;
        }
        if !wanted {
            self.taken.ignored += 1;
        }
        Ok(())
    }

    /// Keeps what was counted.
    pub(super) fn finish(self) -> Result<EventsTaken, StoreError> {
        for Run { experiment, before, .. } in &self.running {
            if experiment != before {
                self.tx.put_experiment(experiment)?;
                told(self.tx, self.time, experiment, &before.verdict())?;
            }
        }
        Ok(self.taken)
    }
}

fn add(
    tx: &Tx<'_>,
    time: Time,
    run: &mut Run,
    measured: &Measured,
    measure: &Measure,
    taken: &mut EventsTaken,
) -> Result<(), StoreError> {
    let Run { experiment, .. } = run;
    let user = tx.experiment_user(experiment.id, &measured.user)?;
    if user.as_ref().is_some_and(|user| user.crossed) {
        taken.left_out += 1;
        return Ok(());
    }
    if user.is_some_and(|user| user.values.is_some()) {
        experiment.left_out.late += 1;
        taken.left_out += 1;
        return Ok(());
    }
    if experiment.kept >= MOST_KEPT || tx.count_measures_of(experiment.id, &measured.user)? >= MOST_OF_USER {
        experiment.left_out.events += 1;
        taken.left_out += 1;
        return Ok(());
    }
    if tx.add_measure(experiment.id, &measured.user, &measured.event, measure, time.now)? {
        experiment.kept += 1;
        taken.metrics += 1;
    } else {
        taken.repeated += 1;
    }
    Ok(())
}

/// When a user's time is over: on Tidegate's own time line, which no clock that is set moves.
fn due(time: Time, at_unix_ms: u64, within: Millis) -> Moment {
    let gone = time.unix_ms.saturating_sub(at_unix_ms);
    let least = within.0.min(SETTLES.0);
    time.now + Millis(within.0.saturating_sub(gone).max(least))
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
