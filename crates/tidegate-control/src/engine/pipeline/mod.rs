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
use tidegate_store::{Counter, Reader, StoreError};

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
            // With hundreds of them, looking at each in every pass would take time from those who serve.
            if free == 0 && run.is_in_the_queue() {
                continue;
            }
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
        let ruled = by_rules(world.store, run)?;
        let seen = Seen::of(world, sight, (&ruled, others, jobs))?;
        let mut plan = plan(&Input {
            run: &ruled,
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
        if let Some(why) = act::barred_from(world.store, run, &plan)? {
            return self.end_failed(world, sight, run, why);
        }
        *free = plan.free;
        outward::ask(world, sight.time, &mut plan);
        let wake = Outcome { changed: false, wake: plan.wake };
        let acted = self.remember_plan(world, sight, run, &plan, jobs)?;
        outward::do_all(world, run, &plan);
        Ok(if acted { wake.and(Outcome::changed()) } else { wake })
    }
}

/// A run that has deployed nothing yet goes by the rules of now, not by those of its beginning; unless somebody let it pass.
fn by_rules(store: &Reader, run: &PipelineRun) -> Result<PipelineRun, StoreError> {
    let open = run.preview.is_none() && run.passed.is_none() && !run.has_deployed();
    let kept = if open { store.environment(&run.app, &run.environment)? } else { None };
    let rules = kept.and_then(|kept| kept.rules).map(|rules| rules.policy);
    Ok(rules.into_iter().fold(run.clone(), PipelineRun::under))
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
