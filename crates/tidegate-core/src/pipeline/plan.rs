//! The decision about one run: given what it is and what is seen, what it is from now on, and what to do.
//!
//! Level-triggered: it can be called at any time and any number of times, so it is safe across restarts. Nothing that is over is ever
//! begun again, and nothing begins before what it needs is over.

use std::collections::BTreeMap;

use super::{DeploySight, Gate, ProcessSight, WorkspaceSight};
use crate::model::{
    BuildPhase, FlagKey, InstanceId, Job, PipelineRun, RunState, StageRun, StageState, StageWork,
};
use crate::time::Moment;

/// What is known of a run.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The run, not over.
    pub run: &'a PipelineRun,
    /// Now.
    pub now: Moment,
    /// Where its build is; `None`: it is not known.
    pub build: Option<&'a BuildPhase>,
    /// The deploys it entered.
    pub deploys: &'a BTreeMap<u64, DeploySight>,
    /// The processes of its steps.
    pub processes: &'a BTreeMap<InstanceId, ProcessSight>,
    /// The workspaces of its steps.
    pub workspaces: &'a BTreeMap<InstanceId, WorkspaceSight>,
    /// Whether its environment takes a deploy now.
    pub gate: &'a Gate,
    /// How the candidates are reached before users are sent to them: variables for smoke steps.
    pub candidate: &'a BTreeMap<String, String>,
    /// How many more steps may begin.
    pub free: usize,
    /// The number the next process gets.
    pub next_unit: u64,
    /// The number the next deploy gets.
    pub next_deploy: u64,
}

/// What becomes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The run from now on.
    pub run: PipelineRun,
    /// What is to be done.
    pub acts: Vec<Act>,
    /// When to look again, even if nothing is heard.
    pub wake: Option<Moment>,
    /// How many more steps may begin after it.
    pub free: usize,
    /// The number the next process gets after it.
    pub next_unit: u64,
    /// The number the next deploy gets after it.
    pub next_deploy: u64,
}

/// Something to do. Each may be told again after a restart, and is done once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Have the build made, in the same transaction.
    MakeBuild,
    /// Move the branch to the commit; [`PipelineRun::on_moved`] takes what came of it.
    MoveBranch,
    /// Lay a workspace out.
    Lay {
        /// Its process.
        unit: InstanceId,
        /// The place of its stage.
        stage: usize,
        /// The place of its step.
        step: usize,
    },
    /// Start a process, in the same transaction.
    Start(Box<Job>),
    /// Tell a process to stop.
    Stop {
        /// Which.
        unit: InstanceId,
        /// Why.
        why: String,
    },
    /// Take in what a step left.
    Gather {
        /// Its process.
        unit: InstanceId,
        /// The place of its stage.
        stage: usize,
        /// The place of its step.
        step: usize,
        /// Whether it succeeded: only then caches and artifacts are kept.
        succeeded: bool,
    },
    /// Remove a workspace.
    Clear(InstanceId),
    /// Enter a deploy, in the same transaction.
    Enter {
        /// Its number.
        deploy: u64,
        /// Whether its candidates get no user until told.
        hold: bool,
    },
    /// Have a deploy that is held go on.
    GoOn(u64),
    /// Take a deploy back.
    Abort {
        /// Its number.
        deploy: u64,
        /// Why.
        why: String,
    },
    /// Release flags; [`PipelineRun::on_released`] takes what came of it.
    Release {
        /// The place of the stage.
        stage: usize,
        /// What each serves.
        flags: BTreeMap<FlagKey, String>,
    },
}

/// What becomes of a run: see the module.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut turn = Turn::new(input);
    match input.run.ending.clone() {
        Some(ending) => turn.wind_up(&ending),
        None => {
            for at in 0..turn.plan.run.stages.len() {
                turn.stage(at);
            }
            turn.conclude();
        }
    }
    turn.plan
}

/// A plan in the making.
pub(super) struct Turn<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) plan: Plan,
}

impl<'a> Turn<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        let plan = Plan {
            run: input.run.clone(),
            acts: Vec::new(),
            wake: None,
            free: input.free,
            next_unit: input.next_unit,
            next_deploy: input.next_deploy,
        };
        Turn { input, plan }
    }

    pub(super) fn act(&mut self, act: Act) {
        self.plan.acts.push(act);
    }

    pub(super) fn stage_mut(&mut self, at: usize) -> &mut StageRun {
        &mut self.plan.run.stages[at]
    }

    pub(super) fn wake_at(&mut self, at: Moment) {
        self.plan.wake = Some(self.plan.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Whether one more step may begin now.
    pub(super) fn take_slot(&mut self) -> bool {
        let free = self.plan.free > 0;
        self.plan.free = self.plan.free.saturating_sub(1);
        free
    }

    /// The branch moves once; whether it has, or none waits.
    pub(super) fn branch_has_moved(&mut self) -> bool {
        let waits = self.plan.run.push.as_ref().is_some_and(|push| !push.moved);
        if waits && !self.plan.acts.contains(&Act::MoveBranch) {
            self.act(Act::MoveBranch);
        }
        !waits
    }

    /// What its stages make of the run.
    fn conclude(&mut self) {
        let stages = &self.plan.run.stages;
        let over = stages.iter().all(|stage| stage.state.is_over());
        let failed = stages.iter().find(|stage| stage.state == StageState::Failed);
        let why = failed.map(|stage| {
            let why = stage.why.as_deref().unwrap_or("it failed");
            format!("`{}` failed: {why}", stage.name)
        });
        match (over, why) {
            (true, Some(why)) => {
                self.take_back(&why);
                self.end(RunState::Failed, Some(why));
            }
            (true, None) if self.branch_has_moved() => self.end(RunState::Succeeded, None),
            _ => self.go_on(),
        }
    }

    fn go_on(&mut self) {
        let run = &mut self.plan.run;
        let runs = run.stages.iter().any(|stage| stage.state == StageState::Running);
        let gated = run
            .stages
            .iter()
            .zip(&run.spec.stages)
            .find(|(stage, spec)| stage.state == StageState::Waiting && spec.work == StageWork::Deploy);
        let began = run.stages.iter().any(|stage| stage.began_at.is_some());
        let waits = gated.and_then(|(stage, _)| stage.why.clone());
        (run.state, run.why) = match (runs, waits) {
            (true, _) => (RunState::Running, None),
            (false, Some(why)) => (RunState::Waiting, Some(why)),
            (false, None) if began => (RunState::Running, None),
            (false, None) => (RunState::Queued, None),
        };
    }

    pub(super) fn end(&mut self, state: RunState, why: Option<String>) {
        let run = &mut self.plan.run;
        run.state = state;
        run.why = why;
        run.ended_at = Some(self.input.now);
    }

    /// A deploy that is still on its way does not go on where its run does not.
    pub(super) fn take_back(&mut self, why: &str) {
        let Some(deploy) = self.plan.run.deploy() else { return };
        if matches!(self.input.deploys.get(&deploy), Some(DeploySight::Going | DeploySight::Held)) {
            self.act(Act::Abort { deploy, why: why.to_owned() });
        }
    }
}

impl PipelineRun {
    /// What came of moving its branch: where it could not be moved, the run ends.
    pub fn on_moved(&mut self, outcome: Result<(), String>) {
        match (outcome, &mut self.push) {
            (Ok(()), Some(push)) => push.moved = true,
            (Ok(()), None) => {}
            (Err(why), _) => {
                self.ending = Some(crate::model::RunEnding { state: RunState::Failed, why });
            }
        }
    }

    /// What came of releasing a stage's flags.
    pub fn on_released(&mut self, stage: usize, outcome: Result<(), String>, now: Moment) {
        let Some(stage) = self.stages.get_mut(stage) else { return };
        stage.state = if outcome.is_ok() { StageState::Succeeded } else { StageState::Failed };
        stage.why = outcome.err();
        stage.ended_at = Some(now);
    }
}
