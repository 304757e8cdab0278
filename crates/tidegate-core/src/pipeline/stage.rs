//! One stage: whether it may begin, and how far its work is.

use super::plan::{Act, Turn};
use super::{DeploySight, Gate, approvals_missing};
use crate::model::{BuildPhase, PipelineRun, StageRun, StageSpec, StageState, StageWork};

/// Whether a stage may begin.
enum Standing {
    Ready,
    Waits,
    /// What it needs did not succeed.
    Never(String),
}

/// Why a step or a build has not begun.
pub(super) const IN_THE_QUEUE: &str = "it is in the queue";

impl PipelineRun {
    /// Whether all that could be done next is in the queue: while no more steps may begin, nothing becomes of it.
    pub fn is_in_the_queue(&self) -> bool {
        let queued = |stage: &StageRun| {
            stage.state == StageState::Waiting && stage.why.as_deref() == Some(IN_THE_QUEUE)
        };
        let idle = self
            .stages
            .iter()
            .all(|stage| queued(stage) || matches!(stage.state, StageState::Pending | StageState::Skipped));
        self.ending.is_none() && idle && self.stages.iter().any(queued)
    }
}

impl Turn<'_> {
    /// Goes on with a stage.
    pub(super) fn stage(&mut self, at: usize) {
        if self.plan.run.stages[at].state.is_over() {
            return;
        }
        match self.standing(at) {
            Standing::Waits => {}
            Standing::Never(why) => self.over(at, StageState::Cancelled, Some(why)),
            Standing::Ready => self.work(at),
        }
    }

    fn work(&mut self, at: usize) {
        let input = self.input;
        match &input.run.spec.stages[at].work {
            StageWork::Build => self.build(at),
            StageWork::Steps(steps) | StageWork::Smoke(steps) => self.steps(at, steps),
            StageWork::Deploy => self.deploy(at),
            StageWork::Verify => self.verify(at),
            StageWork::Release(flags) => {
                self.begun(at);
                self.act(Act::Release { stage: at, flags: flags.clone() });
            }
        }
    }

    /// A deploy needs everything before it, whatever it says: nothing that failed gets users.
    fn standing(&self, at: usize) -> Standing {
        let StageSpec { needs, work, .. } = &self.input.run.spec.stages[at];
        let past_tests = matches!(
            work,
            StageWork::Deploy | StageWork::Smoke(_) | StageWork::Verify | StageWork::Release(_)
        );
        let before = self.plan.run.stages[..at].iter();
        let mut standing = Standing::Ready;
        for stage in before.filter(|stage| past_tests || needs.contains(&stage.name)) {
            match stage.state {
                StageState::Succeeded | StageState::Skipped => {}
                StageState::Pending | StageState::Running | StageState::Waiting => {
                    standing = Standing::Waits;
                }
                StageState::Failed | StageState::Cancelled => {
                    return Standing::Never(format!("`{}` did not succeed", stage.name));
                }
            }
        }
        standing
    }

    fn build(&mut self, at: usize) {
        let asked = self.plan.run.stages[at].state == StageState::Running;
        match self.input.build {
            Some(BuildPhase::Ready) => self.over(at, StageState::Succeeded, None),
            Some(BuildPhase::Failed(why)) if asked => {
                self.over(at, StageState::Failed, Some(why.clone()));
            }
            Some(BuildPhase::Running(job)) => {
                self.begun(at);
                for step in &mut self.stage_mut(at).steps {
                    if !step.attempts.contains(job) {
                        step.attempts.push(job.clone());
                    }
                }
            }
            Some(BuildPhase::Unpacking | BuildPhase::Sealing) => self.begun(at),
            None | Some(BuildPhase::Waiting | BuildPhase::Failed(_) | BuildPhase::Pruned) => {
                if asked || self.take_slot() {
                    self.begun(at);
                    self.act(Act::MakeBuild);
                } else {
                    self.wait(at, IN_THE_QUEUE.to_owned());
                }
            }
        }
    }

    fn deploy(&mut self, at: usize) {
        if let Some(deploy) = self.plan.run.stages[at].deploy {
            return self.follow(at, deploy);
        }
        if !self.branch_has_moved() {
            return;
        }
        let run = &self.plan.run;
        let missing = approvals_missing(&run.policy, &run.approvals);
        if missing > 0 {
            let s = if missing == 1 { "" } else { "s" };
            return self.wait(at, format!("it needs {missing} approval{s}"));
        }
        match self.input.gate {
            Gate::Closed { why, until } => {
                until.iter().for_each(|until| self.wake_at(*until));
                self.wait(at, why.clone());
            }
            Gate::Open => self.enter(at),
        }
    }

    fn enter(&mut self, at: usize) {
        let deploy = self.plan.next_deploy;
        self.plan.next_deploy += 1;
        self.begun(at);
        self.stage_mut(at).deploy = Some(deploy);
        let hold = self.smoke_follows(at);
        self.act(Act::Enter { deploy, hold });
    }

    fn follow(&mut self, at: usize, deploy: u64) {
        match self.input.deploys.get(&deploy) {
            Some(DeploySight::Going) => {}
            Some(DeploySight::Held) if self.smoke_follows(at) => self.over(at, StageState::Succeeded, None),
            Some(DeploySight::Held) => self.act(Act::GoOn(deploy)),
            Some(DeploySight::Succeeded) => self.over(at, StageState::Succeeded, None),
            Some(DeploySight::Failed(why)) => self.over(at, StageState::Failed, Some(why.clone())),
            None => {
                let why = format!("deploy {deploy} is forgotten");
                self.over(at, StageState::Failed, Some(why));
            }
        }
    }

    fn verify(&mut self, at: usize) {
        let Some(deploy) = self.plan.run.deploy() else {
            return self.over(at, StageState::Skipped, Some("nothing was deployed".to_owned()));
        };
        self.begun(at);
        match self.input.deploys.get(&deploy) {
            Some(DeploySight::Held) => self.act(Act::GoOn(deploy)),
            _ => self.follow(at, deploy),
        }
    }

    /// Whether a stage that is not left out asks the candidates before they get users.
    fn smoke_follows(&self, at: usize) -> bool {
        let run = &self.plan.run;
        let after = run.spec.stages.iter().zip(&run.stages).skip(at + 1);
        let mut smokes =
            after.filter(|(spec, stage)| matches!(spec.work, StageWork::Smoke(_)) && stage.done_by.is_none());
        smokes.any(|(_, stage)| stage.state != StageState::Skipped)
    }

    /// It is being done, from now on where it was not before.
    pub(super) fn begun(&mut self, at: usize) {
        let now = self.input.now;
        let stage = self.stage_mut(at);
        stage.state = StageState::Running;
        stage.why = None;
        stage.began_at.get_or_insert(now);
    }

    pub(super) fn wait(&mut self, at: usize, why: String) {
        let stage = self.stage_mut(at);
        stage.state = StageState::Waiting;
        stage.why = Some(why);
    }

    /// It is over, and with it what was not over of it.
    pub(super) fn over(&mut self, at: usize, state: StageState, why: Option<String>) {
        let now = self.input.now;
        let is_build = self.input.run.spec.stages[at].work == StageWork::Build;
        let stage = self.stage_mut(at);
        stage.state = state;
        stage.why = why;
        if state != StageState::Cancelled || stage.began_at.is_some() {
            stage.began_at.get_or_insert(now);
            stage.ended_at = Some(now);
        }
        for step in stage.steps.iter_mut().filter(|step| !step.state.is_over()) {
            // The build's one step ends as its stage does.
            step.state = if is_build { state } else { StageState::Cancelled };
            step.began_at = step.began_at.or(stage.began_at.filter(|_| is_build));
            step.ended_at = step.began_at.map(|_| now);
        }
    }
}
