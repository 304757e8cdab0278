//! Rollouts, those in progress and those that are over.

use tidegate_core::model::{Rollout, RolloutId, ServiceKey};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "rollouts";

impl Reader {
    /// A rollout.
    pub fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        self.one(TABLE, "SELECT body FROM rollouts WHERE id = ?1", [row::to_sql(id.0)])
    }

    /// Every rollout whose phase is not final.
    pub fn active_rollouts(&self) -> Result<Vec<Rollout>, StoreError> {
        self.many(TABLE, "SELECT body FROM rollouts WHERE active = 1 ORDER BY id", [])
    }

    /// A service's rollouts, newest first, at most `most`.
    pub fn rollouts_of(&self, key: &ServiceKey, most: usize) -> Result<Vec<Rollout>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM rollouts WHERE app = ?1 AND environment = ?2 AND service = ?3
             ORDER BY id DESC LIMIT ?4",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str(), row::to_sql(most as u64)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a rollout in place of the one with its id. Its service must be stored when the transaction ends.
    pub fn put_rollout(&self, rollout: &Rollout) -> Result<(), StoreError> {
        let key = &rollout.key;
        self.write(
            "INSERT INTO rollouts (id, app, environment, service, active, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET active = excluded.active, body = excluded.body
             WHERE body <> excluded.body",
            (
                row::to_sql(rollout.id.0),
                key.app.as_str(),
                key.environment.as_str(),
                key.service.as_str(),
                !rollout.phase.is_final(),
                row::to_body(TABLE, rollout)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets all but the newest `keep` rollouts of each service, never one in progress; how many.
    pub fn prune_rollouts(&self, keep: usize) -> Result<usize, StoreError> {
        self.write(
            "DELETE FROM rollouts WHERE active = 0 AND id IN (
               SELECT id FROM (
                 SELECT id, row_number() OVER (PARTITION BY app, environment, service ORDER BY id DESC) AS place
                 FROM rollouts)
               WHERE place > ?1)",
            [row::to_sql(keep as u64)],
        )
    }
}
