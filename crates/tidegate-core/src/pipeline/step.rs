//! The steps of a stage: in turn or at the same time, each with its workspace, the processes beside it, and its attempts.

use std::collections::BTreeMap;

use super::plan::{Act, Turn};
use super::stage::IN_THE_QUEUE;
use super::{ProcessSight, WorkspaceSight};
use crate::model::{
    BesideSpec, Exit, InstanceId, Job, JobKind, JobPhase, StageState, StageWork, StepJob, StepPhase, StepRun,
    StepSpec, TestCounts,
};

/// A step whose machine goes away under it is begun again so often.
const MOST_LOST: u32 = 3;

impl<'a> Turn<'a> {
    /// Goes on with the steps of a stage.
    pub(super) fn steps(&mut self, at: usize, specs: &'a [StepSpec]) {
        let parallel = self.input.run.spec.stages[at].parallel;
        self.mind_the_time(at);
        for (index, spec) in specs.iter().enumerate() {
            self.step(at, index, spec);
            let state = self.step_at(at, index).state;
            if !parallel && !matches!(state, StageState::Succeeded | StageState::Skipped) {
                break;
            }
        }
        self.settle(at, parallel);
    }

    pub(super) fn step_at(&mut self, at: usize, index: usize) -> &mut StepRun {
        &mut self.plan.run.stages[at].steps[index]
    }

    /// A stage that takes too long fails; what runs of it is stopped.
    fn mind_the_time(&mut self, at: usize) {
        let Some(began) = self.plan.run.stages[at].began_at else { return };
        let timeout = self.input.run.spec.stages[at].timeout;
        if self.input.now < began + timeout {
            return self.wake_at(began + timeout);
        }
        for index in 0..self.plan.run.stages[at].steps.len() {
            self.stop_step(at, index, &format!("the stage took longer than {timeout}"));
        }
    }

    /// What runs of a step is told to stop; what does not run is cancelled.
    pub(super) fn stop_step(&mut self, at: usize, index: usize, why: &str) {
        let now = self.input.now;
        let step = self.step_at(at, index);
        let unit = step.attempts.last().cloned();
        match (step.state, step.phase, unit) {
            (StageState::Running, StepPhase::Running, Some(unit)) => {
                self.act(Act::Stop { unit, why: why.to_owned() });
            }
            (StageState::Running, _, unit) => {
                step.state = StageState::Failed;
                step.exit = Some(Exit::trouble(why));
                step.ended_at = Some(now);
                self.stop_beside(at, index);
                unit.into_iter().for_each(|unit| self.act(Act::Clear(unit)));
            }
            (StageState::Pending | StageState::Waiting, ..) => step.state = StageState::Cancelled,
            _ => {}
        }
    }

    /// Whether the stage is over, now that its steps are where they are.
    fn settle(&mut self, at: usize, parallel: bool) {
        let stage = self.stage_mut(at);
        let failed = stage.steps.iter().find(|step| step.state == StageState::Failed).cloned();
        let goes_on = stage.steps.iter().any(|step| match step.state {
            StageState::Running => true,
            StageState::Pending | StageState::Waiting => parallel || failed.is_none(),
            StageState::Succeeded | StageState::Failed | StageState::Skipped | StageState::Cancelled => false,
        });
        let waits = !stage.steps.iter().any(|step| step.began_at.is_some());
        let cancelled = stage.steps.iter().any(|step| step.state == StageState::Cancelled);
        match (goes_on, failed) {
            (true, _) if waits => self.wait(at, IN_THE_QUEUE.to_owned()),
            (true, _) => self.begun(at),
            (false, Some(step)) => self.over(at, StageState::Failed, Some(blame(&step))),
            (false, None) if cancelled => {
                self.over(at, StageState::Failed, Some("it took too long".to_owned()));
            }
            (false, None) => self.over(at, StageState::Succeeded, None),
        }
    }

    fn step(&mut self, at: usize, index: usize, spec: &'a StepSpec) {
        match self.step_at(at, index).state {
            StageState::Pending | StageState::Waiting => {
                if self.take_slot() {
                    self.attempt(at, index);
                } else {
                    self.step_at(at, index).state = StageState::Waiting;
                }
            }
            StageState::Running => self.go_on_with(at, index, spec),
            StageState::Succeeded | StageState::Failed | StageState::Skipped | StageState::Cancelled => {}
        }
    }

    /// Begins an attempt: a workspace of its own.
    fn attempt(&mut self, at: usize, index: usize) {
        let unit = self.next_unit("step");
        let now = self.input.now;
        let step = self.step_at(at, index);
        step.state = StageState::Running;
        step.phase = StepPhase::Laying;
        step.began_at.get_or_insert(now);
        step.attempts.push(unit.clone());
        step.beside.clear();
        self.act(Act::Lay { unit, stage: at, step: index });
    }

    fn next_unit(&mut self, kind: &str) -> InstanceId {
        let unit = InstanceId(format!("{kind}-{}", self.plan.next_unit));
        self.plan.next_unit += 1;
        unit
    }

    fn go_on_with(&mut self, at: usize, index: usize, spec: &'a StepSpec) {
        let step = self.step_at(at, index);
        let phase = step.phase;
        let Some(unit) = step.attempts.last().cloned() else { return self.attempt(at, index) };
        match phase {
            StepPhase::Laying => self.laying(at, index, spec, unit),
            StepPhase::Beside => self.beside(at, index, spec, unit),
            StepPhase::Running => self.running(at, index, spec, unit),
            StepPhase::Gathering => self.gathering(at, index, spec, unit),
        }
    }

    fn laying(&mut self, at: usize, index: usize, spec: &'a StepSpec, unit: InstanceId) {
        match self.input.workspaces.get(&unit) {
            None => self.act(Act::Lay { unit, stage: at, step: index }),
            Some(WorkspaceSight::Busy) => {}
            Some(WorkspaceSight::Failed(why)) => self.fail_step(at, index, Exit::trouble(why.as_str())),
            Some(WorkspaceSight::Ready | WorkspaceSight::Gathered { .. }) if spec.beside.is_empty() => {
                self.start(at, index, spec, unit, BTreeMap::new());
            }
            Some(WorkspaceSight::Ready | WorkspaceSight::Gathered { .. }) => {
                self.start_beside(at, index, spec, &unit);
            }
        }
    }

    fn start_beside(&mut self, at: usize, index: usize, spec: &'a StepSpec, workspace: &InstanceId) {
        for (name, beside) in &spec.beside {
            let unit = self.next_unit(&format!("{name}-beside"));
            let job = self.beside_job((at, index), (spec, beside), unit.clone(), workspace);
            self.step_at(at, index).beside.push(unit);
            self.act(Act::Start(Box::new(job)));
        }
        self.step_at(at, index).phase = StepPhase::Beside;
    }

    /// Once the port of every process beside it accepts, the step is started.
    fn beside(&mut self, at: usize, index: usize, spec: &'a StepSpec, unit: InstanceId) {
        let ids = self.step_at(at, index).beside.clone();
        let mut env = BTreeMap::new();
        let mut waits = false;
        for ((name, beside), id) in spec.beside.iter().zip(&ids) {
            match self.input.processes.get(id) {
                Some(ProcessSight::Running { port: Some(port), ready: true, .. }) => {
                    let [of_port, of_address] = BesideSpec::variables(name);
                    env.extend([(of_port, port.to_string()), (of_address, format!("127.0.0.1:{port}"))]);
                }
                Some(ProcessSight::Running { since, .. }) if self.input.now < *since + beside.within => {
                    self.wake_at(*since + beside.within);
                    waits = true;
                }
                Some(ProcessSight::Running { .. }) => {
                    let why = format!("`{name}` beside it did not accept within {}", beside.within);
                    return self.fail_attempt(at, index, spec, Exit::trouble(why));
                }
                Some(ProcessSight::Ended(exit)) => {
                    let why = format!("`{name}` beside it ended: {exit}");
                    return self.fail_attempt(at, index, spec, Exit::trouble(why));
                }
                None => return self.lose(at, index),
            }
        }
        if !waits {
            self.start(at, index, spec, unit, env);
        }
    }

    fn start(
        &mut self,
        at: usize,
        index: usize,
        spec: &'a StepSpec,
        unit: InstanceId,
        besides: BTreeMap<String, String>,
    ) {
        let job = self.step_job((at, index), spec, unit, besides);
        self.step_at(at, index).phase = StepPhase::Running;
        self.act(Act::Start(Box::new(job)));
    }

    fn running(&mut self, at: usize, index: usize, spec: &'a StepSpec, unit: InstanceId) {
        match self.input.processes.get(&unit) {
            Some(ProcessSight::Running { .. }) => {}
            Some(ProcessSight::Ended(exit)) if exit.was_lost() => self.lose(at, index),
            Some(ProcessSight::Ended(exit)) => {
                let succeeded = exit.success();
                let step = self.step_at(at, index);
                step.exit = Some(exit.clone());
                self.stop_beside(at, index);
                if leaves_nothing(spec) {
                    return self.gathered(at, index, spec, exit.clone(), None);
                }
                self.step_at(at, index).phase = StepPhase::Gathering;
                self.act(Act::Gather { unit, stage: at, step: index, succeeded });
            }
            None => self.lose(at, index),
        }
    }

    fn gathering(&mut self, at: usize, index: usize, spec: &'a StepSpec, unit: InstanceId) {
        let exit = self.step_at(at, index).exit.clone().unwrap_or_default();
        match self.input.workspaces.get(&unit) {
            None | Some(WorkspaceSight::Ready) => {
                let succeeded = exit.success();
                self.act(Act::Gather { unit, stage: at, step: index, succeeded });
            }
            Some(WorkspaceSight::Busy) => {}
            Some(WorkspaceSight::Failed(why)) => self.fail_step(at, index, Exit::trouble(why.as_str())),
            Some(WorkspaceSight::Gathered { tests }) => self.gathered(at, index, spec, exit, tests.clone()),
        }
    }

    fn gathered(
        &mut self,
        at: usize,
        index: usize,
        spec: &'a StepSpec,
        exit: Exit,
        tests: Option<TestCounts>,
    ) {
        let now = self.input.now;
        let step = self.step_at(at, index);
        step.tests = tests;
        if !exit.success() {
            return self.fail_attempt(at, index, spec, exit);
        }
        step.state = StageState::Succeeded;
        step.ended_at = Some(now);
        self.clear(at, index);
    }

    /// An attempt failed: the next one, where there is one.
    fn fail_attempt(&mut self, at: usize, index: usize, spec: &'a StepSpec, exit: Exit) {
        let began = self.plan.run.stages[at].began_at.unwrap_or(self.input.now);
        let in_time = self.input.now < began + self.input.run.spec.stages[at].timeout;
        let step = self.step_at(at, index);
        let tried = (step.attempts.len() as u32).saturating_sub(step.lost + 1);
        if tried < spec.retries && in_time {
            step.exit = Some(exit);
            self.stop_beside(at, index);
            self.clear(at, index);
            self.attempt(at, index);
        } else {
            self.fail_step(at, index, exit);
        }
    }

    /// Its process went away with its machine: it is begun again, and that does not count.
    fn lose(&mut self, at: usize, index: usize) {
        self.stop_beside(at, index);
        let step = self.step_at(at, index);
        step.lost += 1;
        if step.lost > MOST_LOST {
            return self.fail_step(at, index, Exit::trouble("it was interrupted again and again"));
        }
        self.clear(at, index);
        self.attempt(at, index);
    }

    fn fail_step(&mut self, at: usize, index: usize, exit: Exit) {
        let now = self.input.now;
        let step = self.step_at(at, index);
        step.state = StageState::Failed;
        step.exit = Some(exit);
        step.ended_at = Some(now);
        self.stop_beside(at, index);
        self.clear(at, index);
    }

    pub(super) fn stop_beside(&mut self, at: usize, index: usize) {
        let beside = self.step_at(at, index).beside.clone();
        for unit in beside {
            self.act(Act::Stop { unit, why: "its step is over".to_owned() });
        }
    }

    fn clear(&mut self, at: usize, index: usize) {
        let unit = self.step_at(at, index).attempts.last().cloned();
        unit.into_iter().for_each(|unit| self.act(Act::Clear(unit)));
    }

    fn step_job(
        &self,
        (at, index): (usize, usize),
        spec: &StepSpec,
        unit: InstanceId,
        besides: BTreeMap<String, String>,
    ) -> Job {
        let run = self.input.run;
        let env = spec.env.clone().into_iter().chain(besides).collect();
        Job {
            id: unit.clone(),
            kind: JobKind::Step,
            command: spec.run.clone(),
            build: run.input.build.clone(),
            of: None,
            env,
            phase: JobPhase::Running,
            created_at: self.input.now,
            within_ms: spec.timeout.0,
            step: Some(StepJob {
                run: run.number,
                environment: run.environment.clone(),
                said: self.said(at, index),
                secrets: spec.secrets.clone(),
                limits: spec.limits,
                workspace: unit,
                ready_within_ms: None,
                offline: spec.offline,
            }),
        }
    }

    fn beside_job(
        &self,
        place: (usize, usize),
        (spec, beside): (&StepSpec, &BesideSpec),
        unit: InstanceId,
        workspace: &InstanceId,
    ) -> Job {
        let mut job = self.step_job(place, spec, unit, BTreeMap::new());
        job.kind = JobKind::Beside;
        job.command = beside.run.clone();
        job.env = beside.env.clone();
        job.within_ms = spec.timeout.0.saturating_add(beside.within.0);
        if let Some(step) = &mut job.step {
            step.workspace = workspace.clone();
            step.secrets = Vec::new();
            step.ready_within_ms = Some(beside.within.0);
        }
        job
    }

    /// What Tidegate says to a step.
    fn said(&self, at: usize, index: usize) -> BTreeMap<String, String> {
        let run = self.input.run;
        let stage = &run.stages[at];
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut said: BTreeMap<String, String> = [
            ("TIDEGATE_RUN", run.number.to_string()),
            ("TIDEGATE_STAGE", stage.name.to_string()),
            ("TIDEGATE_STEP", stage.steps[index].name.clone()),
            ("TIDEGATE_COMMIT", text(&run.source.commit)),
            ("TIDEGATE_BRANCH", text(&run.source.branch)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if matches!(run.spec.stages[at].work, StageWork::Smoke(_)) {
            said.extend(self.input.candidate.clone());
        }
        said
    }
}

/// Whether there is nothing to take in of it.
fn leaves_nothing(spec: &StepSpec) -> bool {
    spec.cache.is_empty() && spec.artifacts.is_empty() && spec.reports.is_empty()
}

fn blame(step: &StepRun) -> String {
    let how = step.exit.as_ref().map_or_else(|| "it failed".to_owned(), ToString::to_string);
    match step.tests.as_ref().filter(|tests| tests.failed > 0) {
        Some(tests) => format!("{}: {how}, {} of {} tests failed", step.name, tests.failed, tests.tests),
        None => format!("{}: {how}", step.name),
    }
}
