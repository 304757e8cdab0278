//! Jobs. They are few and short-lived, so there is one list.

use tidegate_core::model::{InstanceId, Job};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "jobs";

impl Reader {
    /// A job.
    pub fn job(&self, id: &InstanceId) -> Result<Option<Job>, StoreError> {
        self.one(TABLE, "SELECT body FROM jobs WHERE id = ?1", [&id.0])
    }

    /// Every job that was not removed.
    pub fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.many(TABLE, "SELECT body FROM jobs ORDER BY at", [])
    }
}

impl Tx<'_> {
    /// Keeps a job in place of the one with its id. Its build must be stored when the transaction ends.
    pub fn put_job(&self, job: &Job) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO jobs (id, build, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET build = excluded.build, body = excluded.body
             WHERE body <> excluded.body",
            (&job.id.0, &job.build.0, row::to_body(TABLE, job)?),
        )?;
        Ok(())
    }

    /// Forgets a job; nothing happens where it is not there.
    pub fn remove_job(&self, id: &InstanceId) -> Result<(), StoreError> {
        self.write("DELETE FROM jobs WHERE id = ?1", [&id.0])?;
        Ok(())
    }
}
