//! The pipeline reconciler: commits on their way into environments, as many of their steps at once as the machine has room for.
//!
//! A run's change, the processes it starts and the deploy it enters are written in one transaction. Workspaces and branches are
//! not in it: laying one out and moving one can be done again, and the run goes on once it is seen that they are.

mod act;
mod outward;
mod sight;
mod start;

use std::collections::BTreeMap;

use tidegate_core::model::{
    InstanceId, Job, JobKind, PipelineRun, RunOrigin, StageRun, StageState, StageWork, StepRun,
};
use tidegate_core::pipeline::{Input, plan};
use tidegate_store::{Counter, StoreError};

use super::{Engine, Outcome, Sight, World};
use sight::Seen;
pub(super) use start::step_unit;

impl Engine {
    /// Reconciles every run that is not over: those nearest to their users first, then in their order.
    pub(super) fn pipelines(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut runs = world.store.open_pipeline_runs()?;
        if runs.is_empty() {
            return Ok(Outcome::default());
        }
        runs.sort_by_key(|run| (run.source.origin != RunOrigin::Promotion, run.number));
        let of_steps = |job: &Job| matches!(job.kind, JobKind::Step | JobKind::Beside);
        let jobs = world.store.jobs()?.into_iter().filter(of_steps);
        let jobs: BTreeMap<InstanceId, Job> = jobs.map(|job| (job.id.clone(), job)).collect();
        let mut free = self.config.steps_at_once.saturating_sub(runs.iter().map(busy).sum());
        let mut outcome = Outcome::default();
        for run in &runs {
            outcome = outcome.and(self.pipeline(world, sight, (run, &runs, &jobs), &mut free)?);
        }
        Ok(outcome)
    }

    fn pipeline(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        (run, others, jobs): (&PipelineRun, &[PipelineRun], &BTreeMap<InstanceId, Job>),
        free: &mut usize,
    ) -> Result<Outcome, StoreError> {
        let seen = Seen::of(world, sight, (run, others, jobs))?;
        let mut plan = plan(&Input {
            run,
            now: sight.time.now,
            build: seen.build.as_ref(),
            deploys: &seen.deploys,
            processes: &seen.processes,
            workspaces: &seen.workspaces,
            gate: &seen.gate,
            candidate: &seen.candidate,
            free: *free,
            next_unit: world.store.peek_id(Counter::Instance)?,
            next_deploy: world.store.peek_id(Counter::Deploy)?,
        });
        *free = plan.free;
        outward::ask(world, sight.time, &mut plan);
        let wake = Outcome { changed: false, wake: plan.wake };
        let acted = self.remember_plan(world, sight, run, &plan, jobs)?;
        outward::do_all(world, run, &plan);
        Ok(if acted { wake.and(Outcome::changed()) } else { wake })
    }
}

/// How many of a run's steps are in progress; its build counts as one.
fn busy(run: &PipelineRun) -> usize {
    let stages = run.stages.iter().zip(&run.spec.stages);
    stages
        .map(|(stage, spec)| if spec.work == StageWork::Build { building(stage) } else { in_progress(stage) })
        .sum()
}

fn building(stage: &StageRun) -> usize {
    usize::from(stage.state == StageState::Running)
}

fn in_progress(stage: &StageRun) -> usize {
    stage.steps.iter().filter(|step: &&StepRun| step.state == StageState::Running).count()
}
