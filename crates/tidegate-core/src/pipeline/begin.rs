//! What a run begins with: from a manifest's pipeline, or from an earlier run.

use crate::model::{
    EnvironmentPolicy, Name, PipelineRun, PipelineSpec, PushedRef, RunInput, RunNo, RunOrigin, RunSource,
    RunState, StageRun, StageSpec, StageState, StageWork, StepPhase, StepRun,
};
use crate::time::Moment;

/// What a run is made from.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its number.
    pub number: RunNo,
    /// The environment.
    pub environment: Name,
    /// What it is of.
    pub source: RunSource,
    /// The branch that waits for it.
    pub push: Option<PushedRef>,
    /// Now.
    pub now: Moment,
    /// Now, for people.
    pub unix_ms: u64,
}

/// A run of what a commit's manifest says.
pub fn begin(
    app: Name,
    new: NewRun,
    input: RunInput,
    spec: PipelineSpec,
    policy: EnvironmentPolicy,
) -> PipelineRun {
    let stages = spec.stages.iter().map(|stage| stage_of(stage, &new)).collect();
    PipelineRun {
        number: new.number,
        app,
        uploaded: new.source.origin == RunOrigin::Upload,
        environment: new.environment,
        source: new.source,
        input,
        spec,
        policy,
        brings: None,
        preview: None,
        passed: None,
        notes: Vec::new(),
        stages,
        state: RunState::Queued,
        why: None,
        approvals: Vec::new(),
        from: None,
        push: new.push,
        next: None,
        created_at: new.now,
        made_at_unix_ms: new.unix_ms,
        ended_at: None,
        ending: None,
        artifacts_of: Vec::new(),
    }
}

/// The same once more: only what did not succeed is done again.
pub fn again(earlier: &PipelineRun, new: NewRun) -> PipelineRun {
    let NewRun { number, environment, source, push, now, unix_ms } = new;
    let source = RunSource { origin: RunOrigin::Retry, ..source };
    let new = NewRun { number, environment, source, push, now, unix_ms };
    // By the rules it brings: those it went by may be none, where somebody let the earlier one pass.
    let (spec, policy) = (earlier.spec.clone(), earlier.own_policy().clone());
    let mut run = begin(earlier.app.clone(), new, earlier.input.clone(), spec, policy);
    for (stage, done) in run.stages.iter_mut().zip(&earlier.stages) {
        leave_out(stage, done, earlier.number);
    }
    // What people agreed to is this commit in this environment.
    run.approvals = earlier.approvals.clone();
    run.uploaded = earlier.uploaded;
    run.preview = earlier.preview.clone();
    run.from = earlier.from;
    run.artifacts_of = artifacts_of(earlier);
    run
}

/// The build of a run that succeeded, on its way into the next environment: what comes before the deploy is left out, but for stages
/// that are for the next environment only.
pub fn carried_on(
    earlier: &PipelineRun,
    new: NewRun,
    input: RunInput,
    spec: PipelineSpec,
    policy: EnvironmentPolicy,
) -> PipelineRun {
    let mut run = begin(earlier.app.clone(), new, input, spec, policy);
    let first = run.first_deploy();
    for (stage, _) in run.stages.iter_mut().zip(0..first) {
        if let Some(done) = earlier.stages.iter().find(|done| done.name == stage.name) {
            leave_out(stage, done, earlier.number);
        }
    }
    run.from = Some(earlier.number);
    run.uploaded = earlier.uploaded;
    run.artifacts_of = artifacts_of(earlier);
    run
}

impl PipelineRun {
    /// How many stages come before the first that deploys.
    pub fn first_deploy(&self) -> usize {
        let deploys = |stage: &StageSpec| stage.work == StageWork::Deploy;
        self.spec.stages.iter().position(deploys).unwrap_or(self.spec.stages.len())
    }

    /// Whether it has entered a deploy.
    pub fn has_deployed(&self) -> bool {
        self.stages.iter().any(|stage| stage.deploy.is_some())
    }

    /// The deploy it entered last.
    pub fn deploy(&self) -> Option<u64> {
        self.stages.iter().rev().find_map(|stage| stage.deploy)
    }
}

fn artifacts_of(earlier: &PipelineRun) -> Vec<RunNo> {
    earlier.artifacts_of.iter().copied().chain([earlier.number]).collect()
}

fn leave_out(stage: &mut StageRun, done: &StageRun, number: RunNo) {
    if stage.state == StageState::Skipped {
        return;
    }
    if done.state == StageState::Succeeded || done.done_by.is_some() {
        let by = done.done_by.unwrap_or(number);
        stage.state = StageState::Skipped;
        stage.done_by = Some(by);
        stage.why = Some(format!("run {by} did it"));
    }
    for (step, before) in stage.steps.iter_mut().zip(&done.steps) {
        if matches!(before.state, StageState::Succeeded | StageState::Skipped) {
            *step = StepRun { state: StageState::Skipped, ..before.clone() };
        }
    }
}

fn stage_of(spec: &StageSpec, new: &NewRun) -> StageRun {
    let left_out = spec.when.why_not(new.source.branch.as_deref(), &new.environment);
    let state = if left_out.is_some() { StageState::Skipped } else { StageState::Pending };
    let steps = match &spec.work {
        StageWork::Build => vec![step_of("build", state)],
        StageWork::Steps(steps) | StageWork::Smoke(steps) => {
            steps.iter().map(|step| step_of(&step.name, state)).collect()
        }
        StageWork::Deploy | StageWork::Verify | StageWork::Release(_) => Vec::new(),
    };
    StageRun {
        name: spec.name.clone(),
        state,
        why: left_out,
        began_at: None,
        ended_at: None,
        steps,
        deploy: None,
        done_by: None,
    }
}

fn step_of(name: &str, state: StageState) -> StepRun {
    StepRun {
        name: name.to_owned(),
        state,
        attempts: Vec::new(),
        began_at: None,
        ended_at: None,
        exit: None,
        tests: None,
        phase: StepPhase::Laying,
        beside: Vec::new(),
        lost: 0,
    }
}
