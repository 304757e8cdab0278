//! Deploys.

use tidegate_core::model::{Deploy, DeployPhase, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "deploys";

impl Reader {
    /// A deploy.
    pub fn deploy(&self, id: u64) -> Result<Option<Deploy>, StoreError> {
        self.one(TABLE, "SELECT body FROM deploys WHERE id = ?1", [row::to_sql(id)])
    }

    /// Every deploy that has something left to do itself: it is building or migrating. Once it is rolling, its
    /// rollouts are what is in progress.
    pub fn open_deploys(&self) -> Result<Vec<Deploy>, StoreError> {
        self.many(TABLE, "SELECT body FROM deploys WHERE open = 1 ORDER BY id", [])
    }

    /// An environment's deploys, newest first, at most `most`.
    pub fn deploys_of(&self, app: &Name, environment: &Name, most: usize) -> Result<Vec<Deploy>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM deploys WHERE app = ?1 AND environment = ?2 ORDER BY id DESC LIMIT ?3",
            (app.as_str(), environment.as_str(), row::to_sql(most as u64)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a deploy in place of the one with its id. Its build must be stored when the transaction ends. What it defines of flags
    /// is kept with the build ([`Reader::flag_document`]): a deploy is read again and again, and without it.
    pub fn put_deploy(&self, deploy: &Deploy) -> Result<(), StoreError> {
        if let Some(flags) = &deploy.flags {
            self.put_flag_document(&deploy.build, flags)?;
            return self.put_deploy(&Deploy { flags: None, ..deploy.clone() });
        }
        self.write(
            "INSERT INTO deploys (id, app, environment, build, open, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE
             SET build = excluded.build, open = excluded.open, body = excluded.body
             WHERE body <> excluded.body",
            (
                row::to_sql(deploy.id),
                deploy.app.as_str(),
                deploy.environment.as_str(),
                &deploy.build.0,
                is_open(&deploy.phase),
                row::to_body(TABLE, deploy)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets all but the newest `keep` deploys of each environment, never one that is building or migrating; how
    /// many.
    pub fn prune_deploys(&self, keep: usize) -> Result<usize, StoreError> {
        self.write(
            "DELETE FROM deploys WHERE open = 0 AND id IN (
               SELECT id FROM (
                 SELECT id, row_number() OVER (PARTITION BY app, environment ORDER BY id DESC) AS place FROM deploys)
               WHERE place > ?1)",
            [row::to_sql(keep as u64)],
        )
    }
}

fn is_open(phase: &DeployPhase) -> bool {
    match phase {
        DeployPhase::Building | DeployPhase::Migrating => true,
        DeployPhase::Rolling | DeployPhase::Failed => false,
    }
}
