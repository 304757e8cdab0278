//! Experiments on flags, what was counted of them, their users and the events of those whose time is not over.

use tidegate_core::experiment::{Experiment, ExperimentKey, Measure, User, UserDigest};
use tidegate_core::model::Name;
use tidegate_core::time::Moment;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "experiments";
const USERS: &str = "experiment_users";

impl Reader {
    /// Every experiment that runs.
    pub fn running_experiments(&self) -> Result<Vec<Experiment>, StoreError> {
        self.many(TABLE, "SELECT body FROM experiments WHERE running = 1 ORDER BY id", [])
    }

    /// Those that have ended and whose users are not all forgotten yet.
    pub fn experiments_to_forget(&self) -> Result<Vec<Experiment>, StoreError> {
        self.many(TABLE, "SELECT body FROM experiments WHERE running = 2 ORDER BY id", [])
    }

    /// The experiments of an environment, the newest first.
    pub fn experiments_of(
        &self,
        app: &Name,
        environment: &Name,
        most: usize,
    ) -> Result<Vec<Experiment>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM experiments WHERE app = ?1 AND environment = ?2 ORDER BY id DESC LIMIT ?3",
            (app.as_str(), environment.as_str(), row::to_sql(most as u64)),
        )
    }

    /// The newest experiment of a flag.
    pub fn last_experiment(&self, key: &ExperimentKey) -> Result<Option<Experiment>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM experiments WHERE app = ?1 AND environment = ?2 AND flag = ?3 ORDER BY id DESC LIMIT 1",
            (key.app.as_str(), key.environment.as_str(), key.flag.as_str()),
        )
    }

    /// A user of an experiment.
    pub fn experiment_user(&self, id: u64, user: &UserDigest) -> Result<Option<User>, StoreError> {
        self.one(
            USERS,
            "SELECT body FROM experiment_users WHERE experiment = ?1 AND user = ?2",
            (row::to_sql(id), user.0.as_slice()),
        )
    }

    /// Users of an experiment whose time is over and who are not counted yet, the longest over first.
    pub fn due_users(
        &self,
        id: u64,
        now: Moment,
        most: usize,
    ) -> Result<Vec<(UserDigest, User)>, StoreError> {
        self.each(
            "SELECT body, user FROM experiment_users WHERE experiment = ?1 AND due <= ?2 ORDER BY due, user LIMIT ?3",
            (row::to_sql(id), row::to_sql(now.0), row::to_sql(most as u64)),
            |found| Ok((digest_of(found)?, row::of_row(USERS, found)?)),
        )
    }

    /// The events of a user, in the order of their digests.
    pub fn measures_of(&self, id: u64, user: &UserDigest) -> Result<Vec<Measure>, StoreError> {
        self.each(
            "SELECT metric, at, value FROM experiment_measures WHERE experiment = ?1 AND user = ?2",
            (row::to_sql(id), user.0.as_slice()),
            |found| {
                Ok(Measure {
                    metric: usize::try_from(found.get::<_, i64>(0)?).unwrap_or(usize::MAX),
                    at_unix_ms: row::from_sql(found.get(1)?),
                    value: found.get(2)?,
                })
            },
        )
    }

    /// How many events of a user are kept.
    pub fn count_measures_of(&self, id: u64, user: &UserDigest) -> Result<u64, StoreError> {
        let counted = self.each(
            "SELECT count(*) FROM experiment_measures WHERE experiment = ?1 AND user = ?2",
            (row::to_sql(id), user.0.as_slice()),
            |found| Ok(row::from_sql(found.get(0)?)),
        )?;
        Ok(counted.into_iter().next().unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Keeps an experiment.
    pub fn put_experiment(&self, experiment: &Experiment) -> Result<(), StoreError> {
        let Experiment { id, key, .. } = experiment;
        let params = (
            row::to_sql(*id),
            key.app.as_str(),
            key.environment.as_str(),
            key.flag.as_str(),
            standing(experiment),
            row::to_body(TABLE, experiment)?,
        );
        self.write(
            "INSERT INTO experiments (id, app, environment, flag, running, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET running = excluded.running, body = excluded.body
             WHERE body <> excluded.body",
            params,
        )?;
        Ok(())
    }

    /// Keeps a user of an experiment, and when they are due; `None`: never.
    pub fn put_experiment_user(
        &self,
        id: u64,
        digest: &UserDigest,
        user: &User,
        due: Option<Moment>,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO experiment_users (experiment, user, due, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (experiment, user) DO UPDATE SET due = excluded.due, body = excluded.body",
            (
                row::to_sql(id),
                digest.0.as_slice(),
                due.map(|due| row::to_sql(due.0)),
                row::to_body(USERS, user)?,
            ),
        )?;
        Ok(())
    }

    /// Keeps what is known of a user who is known; when they are due stays as it is.
    pub fn update_experiment_user(
        &self,
        id: u64,
        digest: &UserDigest,
        user: &User,
    ) -> Result<(), StoreError> {
        self.write(
            "UPDATE experiment_users SET body = ?3 WHERE experiment = ?1 AND user = ?2",
            (row::to_sql(id), digest.0.as_slice(), row::to_body(USERS, user)?),
        )?;
        Ok(())
    }

    /// Adds an event of a user; `false` where it is there already.
    pub fn add_measure(
        &self,
        id: u64,
        user: &UserDigest,
        event: &UserDigest,
        measure: &Measure,
        received: Moment,
    ) -> Result<bool, StoreError> {
        let added = self.write(
            "INSERT INTO experiment_measures (experiment, user, event, metric, at, value, received)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            (
                row::to_sql(id),
                user.0.as_slice(),
                event.0.as_slice(),
                row::to_sql(measure.metric as u64),
                row::to_sql(measure.at_unix_ms),
                measure.value,
                row::to_sql(received.0),
            ),
        )?;
        Ok(added > 0)
    }

    /// Forgets the events of a user; how many.
    pub fn drop_measures(&self, id: u64, user: &UserDigest) -> Result<u64, StoreError> {
        let dropped = self.write(
            "DELETE FROM experiment_measures WHERE experiment = ?1 AND user = ?2",
            (row::to_sql(id), user.0.as_slice()),
        )?;
        Ok(dropped as u64)
    }

    /// Forgets events of users who were never seen, received before a moment; how many.
    pub fn drop_unclaimed_measures(&self, id: u64, before: Moment) -> Result<u64, StoreError> {
        let dropped = self.write(
            "DELETE FROM experiment_measures AS kept WHERE experiment = ?1 AND received < ?2 AND NOT EXISTS
             (SELECT 1 FROM experiment_users AS users WHERE users.experiment = kept.experiment AND users.user = kept.user)",
            (row::to_sql(id), row::to_sql(before.0)),
        )?;
        Ok(dropped as u64)
    }

    /// Forgets some users of an experiment and events of theirs, at most so many of each; how many. What was counted stays.
    pub fn drop_experiment_users(&self, id: u64, most: usize) -> Result<usize, StoreError> {
        let params = (row::to_sql(id), row::to_sql(most as u64));
        let events = self.write(
            "DELETE FROM experiment_measures WHERE experiment = ?1 AND (user, event) IN
             (SELECT user, event FROM experiment_measures WHERE experiment = ?1 LIMIT ?2)",
            params,
        )?;
        let users = self.write(
            "DELETE FROM experiment_users WHERE experiment = ?1 AND user IN
             (SELECT user FROM experiment_users WHERE experiment = ?1 LIMIT ?2)",
            params,
        )?;
        Ok(events + users)
    }
}

/// The column `running`: 1 while it runs, 2 while its users are still to be forgotten, then 0.
fn standing(experiment: &Experiment) -> i64 {
    match (experiment.is_running(), experiment.forgetting) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}

fn digest_of(found: &rusqlite::Row<'_>) -> Result<UserDigest, StoreError> {
    let bytes = found.get_ref(1)?.as_blob().unwrap_or_default();
    let digest = bytes.try_into().map_err(|_| row::damaged(USERS, "a digest has another length"))?;
    Ok(UserDigest(digest))
}
