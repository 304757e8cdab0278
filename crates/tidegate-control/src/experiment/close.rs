//! Counting users whose time is over: each once, with all they did in it.

use tidegate_core::experiment::{Experiment, User, UserDigest, Verdict};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Store, StoreError, Tx};

use super::standing::{settle, tell};
use crate::engine::Time;

/// So many users are counted in one pass at most; the rest in the next.
const MOST_AT_ONCE: usize = 1_000;
/// So many users, and as many events, are forgotten in one pass.
const MOST_FORGOTTEN: usize = 2_000;
/// How long an event waits for its user to be seen.
const WAITS: Millis = Millis(600_000);

/// Counts those that are due. Called in each pass: it reads one row where no experiment runs.
///
/// # Errors
/// The store's.
pub fn count_due(store: &mut Store, time: Time) -> Result<(), StoreError> {
    for mut experiment in store.running_experiments()? {
        let due = store.due_users(experiment.id, time.now, MOST_AT_ONCE)?;
        if !due.is_empty() {
            store.transaction(|tx| count(tx, time, &mut experiment, due))?;
        }
    }
    Ok(())
}

/// Forgets a part of the users of experiments that have ended. Called in each pass: a million of them at once would keep it for seconds.
///
/// # Errors
/// The store's.
pub fn forget(store: &mut Store) -> Result<(), StoreError> {
    for mut experiment in store.experiments_to_forget()? {
        store.transaction(|tx| {
            experiment.forgetting = tx.drop_experiment_users(experiment.id, MOST_FORGOTTEN)? > 0;
            if experiment.forgetting { Ok(()) } else { tx.put_experiment(&experiment) }
        })?;
    }
    Ok(())
}

fn count(
    tx: &Tx<'_>,
    time: Time,
    experiment: &mut Experiment,
    due: Vec<(UserDigest, User)>,
) -> Result<(), StoreError> {
    let before = experiment.verdict();
    for (digest, mut user) in due {
        let measures = tx.measures_of(experiment.id, &digest)?;
        let (sums, outside) = user.sums(&experiment.design, &measures);
        experiment.left_out.outside += outside;
        user.values = Some(match sums {
            Some(sums) => experiment.on_counted(user.place, &sums, time.unix_ms),
            None => {
                experiment.left_out.unseen += 1;
                Vec::new()
            }
        });
        tx.put_experiment_user(experiment.id, &digest, &user, None)?;
        let dropped = tx.drop_measures(experiment.id, &digest)?;
        experiment.kept = experiment.kept.saturating_sub(dropped);
    }
    tx.put_experiment(experiment)?;
    told(tx, time, experiment, &before)
}

/// Says on the timeline what it has come to, where that is new.
pub(super) fn told(
    tx: &Tx<'_>,
    time: Time,
    experiment: &Experiment,
    before: &Verdict,
) -> Result<(), StoreError> {
    let now = experiment.verdict();
    if now == *before {
        return Ok(());
    }
    let kind = if now == Verdict::Invalid { "experiment.alarm" } else { "experiment.decided" };
    let message = format!("the experiment on `{}`: {}", experiment.key.flag, experiment.message());
    tell(tx, time, &experiment.key, kind, message)
}

/// Forgets events nobody claimed, and ends experiments that are no longer what was begun. Called now and then.
///
/// # Errors
/// The store's.
pub fn keep_house(store: &mut Store, time: Time) -> Result<(), StoreError> {
    let running = store.running_experiments()?;
    if running.is_empty() {
        return Ok(());
    }
    store.transaction(|tx| {
        for mut experiment in running {
            let before = Moment(time.now.0.saturating_sub(WAITS.0));
            let dropped = tx.drop_unclaimed_measures(experiment.id, before)?;
            if dropped > 0 {
                experiment.kept = experiment.kept.saturating_sub(dropped);
                tx.put_experiment(&experiment)?;
            }
            settle(tx, (&experiment.key.app, &experiment.key.environment), time)?;
        }
        Ok(())
    })
}
