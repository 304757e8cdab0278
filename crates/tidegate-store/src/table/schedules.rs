//! Jobs on a schedule, and their runs. The processes of runs are in the table of jobs.

use tidegate_core::model::{JobRun, JobState, Name, ServiceKey};

use crate::{Reader, StoreError, Tx, row};

const STATES: &str = "job_states";
const RUNS: &str = "job_runs";

impl Reader {
    /// Every job on a schedule.
    pub fn job_states(&self) -> Result<Vec<JobState>, StoreError> {
        self.many(STATES, "SELECT body FROM job_states ORDER BY app, environment, job", [])
    }

    /// The jobs of an environment, by name.
    pub fn job_states_of(&self, app: &Name, environment: &Name) -> Result<Vec<JobState>, StoreError> {
        self.many(
            STATES,
            "SELECT body FROM job_states WHERE app = ?1 AND environment = ?2 ORDER BY job",
            (app.as_str(), environment.as_str()),
        )
    }

    /// A job.
    pub fn job_state(&self, key: &ServiceKey) -> Result<Option<JobState>, StoreError> {
        self.one(
            STATES,
            "SELECT body FROM job_states WHERE app = ?1 AND environment = ?2 AND job = ?3",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )
    }

    /// Every run that is not over, oldest first.
    pub fn open_job_runs(&self) -> Result<Vec<JobRun>, StoreError> {
        self.many(RUNS, "SELECT body FROM job_runs WHERE open = 1 ORDER BY app, environment, job, number", [])
    }

    /// The newest runs of a job, newest first, at most `most`.
    pub fn job_runs_of(&self, key: &ServiceKey, most: usize) -> Result<Vec<JobRun>, StoreError> {
        self.many(
            RUNS,
            "SELECT body FROM job_runs WHERE app = ?1 AND environment = ?2 AND job = ?3
             ORDER BY number DESC LIMIT ?4",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str(), row::to_sql(most as u64)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a job in place of the one with its key.
    pub fn put_job_state(&self, state: &JobState) -> Result<(), StoreError> {
        let key = &state.key;
        self.write(
            "INSERT INTO job_states (app, environment, job, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, environment, job) DO UPDATE SET body = excluded.body
             WHERE body <> excluded.body",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str(), row::to_body(STATES, state)?),
        )?;
        Ok(())
    }

    /// Forgets a job and all of its runs; nothing happens where it is not there.
    pub fn remove_job_state(&self, key: &ServiceKey) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM job_states WHERE app = ?1 AND environment = ?2 AND job = ?3",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )?;
        Ok(())
    }

    /// Keeps a run in place of the one with its number. Its job must be stored when the transaction ends.
    pub fn put_job_run(&self, run: &JobRun) -> Result<(), StoreError> {
        let key = &run.key;
        self.write(
            "INSERT INTO job_runs (app, environment, job, number, open, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (app, environment, job, number) DO UPDATE SET open = excluded.open, body = excluded.body
             WHERE body <> excluded.body",
            (
                key.app.as_str(),
                key.environment.as_str(),
                key.service.as_str(),
                row::to_sql(run.number),
                i64::from(!run.phase.is_over()),
                row::to_body(RUNS, run)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets all runs of a job that are over but the newest `keep`; how many.
    pub fn prune_job_runs(&self, key: &ServiceKey, keep: u32) -> Result<usize, StoreError> {
        self.write(
            "DELETE FROM job_runs WHERE app = ?1 AND environment = ?2 AND job = ?3 AND open = 0 AND number <= (
                 SELECT number FROM job_runs WHERE app = ?1 AND environment = ?2 AND job = ?3 AND open = 0
                 ORDER BY number DESC LIMIT 1 OFFSET ?4)",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str(), i64::from(keep)),
        )
    }
}
