//! Runs of pipelines.

use tidegate_core::model::{BuildId, Name, PipelineRun, RunNo};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "pipeline_runs";

impl Reader {
    /// A run.
    pub fn pipeline_run(&self, number: RunNo) -> Result<Option<PipelineRun>, StoreError> {
        self.one(TABLE, "SELECT body FROM pipeline_runs WHERE number = ?1", [row::to_sql(number.0)])
    }

    /// Every run that is not over.
    pub fn open_pipeline_runs(&self) -> Result<Vec<PipelineRun>, StoreError> {
        self.many(TABLE, "SELECT body FROM pipeline_runs WHERE open = 1 ORDER BY number", [])
    }

    /// An app's runs, of one environment or of all, newest first, at most `most`.
    pub fn pipeline_runs_of(
        &self,
        app: &Name,
        environment: Option<&Name>,
        most: usize,
    ) -> Result<Vec<PipelineRun>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM pipeline_runs WHERE app = ?1 AND (?2 IS NULL OR environment = ?2)
             ORDER BY number DESC LIMIT ?3",
            (app.as_str(), environment.map(Name::as_str), row::to_sql(most as u64)),
        )
    }

    /// The newest runs, of one app or of all, of one environment or of all, newest first, at most `most`.
    pub fn newest_pipeline_runs(
        &self,
        app: Option<&Name>,
        environment: Option<&Name>,
        most: usize,
    ) -> Result<Vec<PipelineRun>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM pipeline_runs WHERE (?1 IS NULL OR app = ?1) AND (?2 IS NULL OR environment = ?2)
             ORDER BY number DESC LIMIT ?3",
            (app.map(Name::as_str), environment.map(Name::as_str), row::to_sql(most as u64)),
        )
    }

    /// The runs with a build, newest first.
    pub fn pipeline_runs_with(&self, build: &BuildId) -> Result<Vec<PipelineRun>, StoreError> {
        self.many(TABLE, "SELECT body FROM pipeline_runs WHERE build = ?1 ORDER BY number DESC", [&build.0])
    }
}

impl Tx<'_> {
    /// Keeps a run in place of the one with its number.
    pub fn put_pipeline_run(&self, run: &PipelineRun) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO pipeline_runs (number, app, environment, build, open, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (number) DO UPDATE
             SET build = excluded.build, open = excluded.open, body = excluded.body
             WHERE body <> excluded.body",
            (
                row::to_sql(run.number.0),
                run.app.as_str(),
                run.environment.as_str(),
                &run.input.build.0,
                !run.state.is_over(),
                row::to_body(TABLE, run)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets all but the newest `keep` runs of each environment, and of all environments of an app together in which nothing
    /// runs any more; never one that is not over. How many.
    pub fn prune_pipeline_runs(&self, keep: usize) -> Result<usize, StoreError> {
        self.write(
            "DELETE FROM pipeline_runs WHERE open = 0 AND number IN (
               SELECT number FROM (
                 SELECT number, row_number() OVER (
                   PARTITION BY app, CASE WHEN EXISTS (
                     SELECT 1 FROM services WHERE services.app = runs.app AND services.environment = runs.environment)
                   THEN environment END
                   ORDER BY number DESC) AS place
                 FROM pipeline_runs AS runs)
               WHERE place > ?1)",
            [row::to_sql(keep as u64)],
        )
    }
}
