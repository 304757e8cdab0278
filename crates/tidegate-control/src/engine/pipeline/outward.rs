//! What a plan does that is not in the store: branches, flags, promotions, workspaces. All of it can be done again.

use std::collections::BTreeMap;

use tidegate_core::model::{
    BuildPhase, FlagKey, Name, PipelineRun, PushedRef, RunState, StageWork, StepSpec,
};
use tidegate_core::pipeline::{Act, Plan};
use tidegate_core::release::{Asked, Order};

use super::super::{Time, World};
use crate::pipeline::{begin_promotion, promotions_after};
use crate::plane::{FlagRef, Scope};
use crate::release::release;
use crate::seams::{Gathering, Layout};

/// Does what the run has to know the outcome of.
pub(super) fn ask(world: &mut World<'_>, time: Time, plan: &mut Plan) {
    for act in plan.acts.clone() {
        match act {
            Act::MoveBranch => {
                let outcome = move_branch(world, &plan.run);
                plan.run.on_moved(outcome);
            }
            Act::Release { stage, flags } => {
                let outcome = release_all(world, time, &plan.run, &flags);
                plan.run.on_released(stage, outcome, time.now);
            }
            _ => {}
        }
    }
    // Before the run is over: where we are killed in between, it is seen that they have begun.
    if plan.run.state == RunState::Succeeded {
        promote(world, time, &plan.run);
    }
}

/// Does the rest.
pub(super) fn do_all(world: &mut World<'_>, run: &PipelineRun, plan: &Plan) {
    for act in &plan.acts {
        match act {
            Act::Lay { unit, stage, step } => {
                if let (Some(spec), layout) = (step_spec(run, *stage, *step), layout(world, run)) {
                    world.workspaces.lay(unit, Layout { cache: spec.cache.clone(), ..layout });
                }
            }
            Act::Gather { unit, stage, step, succeeded } => {
                if let Some(spec) = step_spec(run, *stage, *step) {
                    world.workspaces.gather(unit, gathering(run, spec, *succeeded));
                }
            }
            Act::Clear(unit) => world.workspaces.clear(unit),
            _ => {}
        }
    }
}

fn move_branch(world: &World<'_>, run: &PipelineRun) -> Result<(), String> {
    let (Some(push), Some(commit)) = (&run.push, &run.source.commit) else { return Ok(()) };
    let Some(repositories) = &world.repositories else {
        return Err("there is no repository whose branch could move".to_owned());
    };
    match repositories.move_branch(&run.app, push, commit) {
        Ok(true) => Ok(()),
        Ok(false) => Err(moved_meanwhile(push)),
        Err(error) => Err(format!("{} could not be moved: {error}", push.name)),
    }
}

fn moved_meanwhile(push: &PushedRef) -> String {
    format!("{} was moved by somebody else meanwhile: fetch, merge and push again", push.name)
}

fn release_all(
    world: &mut World<'_>,
    time: Time,
    run: &PipelineRun,
    flags: &BTreeMap<FlagKey, String>,
) -> Result<(), String> {
    let scope = Scope { app: Some(run.app.clone()), environment: Some(run.environment.clone()) };
    for (flag, variant) in flags {
        let order = match variant.as_str() {
            "on" => Order::On,
            "off" => Order::Off,
            variant => Order::Variant(variant.to_owned()),
        };
        let meant = FlagRef { scope: scope.clone(), flag: flag.clone() };
        let asked = Asked { when_ready: true, ..Asked::new(order, &format!("run {}", run.number)) };
        release(world, time, &meant, asked).map_err(|refusal| format!("{flag}: {}", refusal.message))?;
    }
    Ok(())
}

/// Begins what follows by itself; what has begun before is not begun again.
fn promote(world: &mut World<'_>, time: Time, run: &PipelineRun) {
    for (to, promotion) in promotions_after(world.store, run) {
        if follows_already(world, run, &to) {
            continue;
        }
        let by = format!("run {}", run.number);
        if let Err(refusal) = begin_promotion(world, time, run, promotion, (&to, &by)) {
            tracing::warn!(run = run.number.0, to = %to, why = %refusal, "its promotion did not begin");
        }
    }
}

fn follows_already(world: &World<'_>, run: &PipelineRun, to: &Name) -> bool {
    let runs = world.store.pipeline_runs_of(&run.app, Some(to), 100).unwrap_or_default();
    runs.iter().any(|other| other.from == Some(run.number))
}

fn step_spec(run: &PipelineRun, stage: usize, step: usize) -> Option<&StepSpec> {
    match &run.spec.stages.get(stage)?.work {
        StageWork::Steps(steps) | StageWork::Smoke(steps) => steps.get(step),
        StageWork::Build | StageWork::Deploy | StageWork::Verify | StageWork::Release(_) => None,
    }
}

/// A step works in a copy of the build where there is one, else in one of the commit's files.
fn layout(world: &World<'_>, run: &PipelineRun) -> Layout {
    let build = world.store.build(&run.input.build).ok().flatten();
    let built = build.is_some_and(|build| build.phase == BuildPhase::Ready);
    Layout {
        app: run.app.clone(),
        build: built.then(|| run.input.build.clone()),
        snapshot: run.input.snapshot.clone(),
        cache: Vec::new(),
        artifacts_of: run.artifacts_of.iter().copied().chain([run.number]).collect(),
    }
}

fn gathering(run: &PipelineRun, spec: &StepSpec, succeeded: bool) -> Gathering {
    let kept = |list: &[String]| if succeeded { list.to_vec() } else { Vec::new() };
    Gathering {
        app: run.app.clone(),
        run: run.number,
        cache: kept(&spec.cache),
        artifacts: kept(&spec.artifacts),
        reports: spec.reports.clone(),
    }
}
