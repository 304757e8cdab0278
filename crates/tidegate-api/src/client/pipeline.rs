//! The client's calls about runs of pipelines.

use tidegate_control::{BeginRun, LogPage, Scope};
use tidegate_core::model::{Name, RunNo};
use tidegate_core::view::{PipelineList, PipelineRunView};

use super::request::Ask;
use super::{Client, ClientError, Lines, upload};
use crate::wire::{ApproveBody, ByParams, PromoteBody, RUN_TYPE, RunListParams, RunLogParams, ScopeParams};

const RUNS: &str = "/v1/pipeline/runs";

impl Client {
    /// Begins a run. `pack` writes the tar of the commit's tree; it is called on a thread of its own while the server reads.
    pub async fn run_begin(
        &self,
        request: &BeginRun,
        pack: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()> + Send + 'static,
    ) -> Result<PipelineRunView, ClientError> {
        upload::send_to(self, (RUNS, RUN_TYPE), request, pack).await
    }

    /// The runs of an app or of one of its environments, the newest first; `most` 0: 20.
    pub async fn pipeline_runs(&self, scope: &Scope, most: usize) -> Result<PipelineList, ClientError> {
        let Scope { app, environment } = scope.clone();
        self.json(Ask::get(RUNS).query(&RunListParams { app, environment, most })?).await
    }

    /// A run, while it runs and after.
    pub async fn pipeline_run(&self, run: RunNo) -> Result<PipelineRunView, ClientError> {
        self.json(Ask::get(&format!("{RUNS}/{run}"))).await
    }

    /// What a run wrote, by pages; with `follow` pages go on until it is over.
    pub async fn pipeline_logs(
        &self,
        run: RunNo,
        params: &RunLogParams,
    ) -> Result<Lines<LogPage>, ClientError> {
        self.lines(Ask::get(&format!("{RUNS}/{run}/logs")).query(params)?).await
    }

    /// Ends a run.
    pub async fn run_cancel(&self, run: RunNo, by: &str) -> Result<PipelineRunView, ClientError> {
        self.json(asked_of(run, "cancel", by)?).await
    }

    /// Runs the part of a run that failed once more.
    pub async fn run_retry(&self, run: RunNo, by: &str) -> Result<PipelineRunView, ClientError> {
        self.json(asked_of(run, "retry", by)?).await
    }

    /// Agrees to a run.
    pub async fn run_approve(&self, run: RunNo, body: &ApproveBody) -> Result<PipelineRunView, ClientError> {
        self.json(Ask::post(&format!("{RUNS}/{run}/approve")).body(body)?).await
    }

    /// Carries the build of an environment on to another.
    pub async fn promote(&self, scope: &Scope, to: &Name, by: &str) -> Result<PipelineRunView, ClientError> {
        let ask = Ask::post("/v1/promotions").query(&ScopeParams::from(scope.clone()))?;
        self.json(ask.body(&PromoteBody { to: to.clone(), by: by.to_owned() })?).await
    }
}

fn asked_of(run: RunNo, what: &str, by: &str) -> Result<Ask, ClientError> {
    Ask::post(&format!("{RUNS}/{run}/{what}")).query(&ByParams { by: by.to_owned() })
}
