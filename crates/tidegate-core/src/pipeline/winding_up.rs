//! A run that is to end before it is done: what runs of it is stopped, what it deploys is taken back, the rest never begins.

use super::ProcessSight;
use super::plan::Turn;
use crate::model::{RunEnding, StageState, StepPhase};

impl Turn<'_> {
    /// Goes on with ending the run.
    pub(super) fn wind_up(&mut self, ending: &RunEnding) {
        let mut busy = false;
        for at in 0..self.plan.run.stages.len() {
            for index in 0..self.plan.run.stages[at].steps.len() {
                busy |= self.stop_one(at, index, &ending.why);
            }
        }
        if busy {
            return;
        }
        for at in 0..self.plan.run.stages.len() {
            if !self.plan.run.stages[at].state.is_over() {
                self.over(at, StageState::Cancelled, Some(ending.why.clone()));
            }
        }
        self.take_back(&ending.why);
        self.end(ending.state, Some(ending.why.clone()));
    }

    /// Whether its process still runs.
    fn stop_one(&mut self, at: usize, index: usize, why: &str) -> bool {
        let step = self.step_at(at, index);
        let runs = step.state == StageState::Running && step.phase == StepPhase::Running;
        let unit = step.attempts.last().cloned().filter(|_| runs);
        let seen = unit.and_then(|unit| self.input.processes.get(&unit));
        if matches!(seen, Some(ProcessSight::Running { .. })) {
            self.stop_step(at, index, why);
            return true;
        }
        let has_steps = !matches!(self.input.run.spec.stages[at].work, crate::model::StageWork::Build);
        let step = self.step_at(at, index);
        if has_steps && step.state == StageState::Running {
            step.state = StageState::Cancelled;
            self.stop_beside(at, index);
            let unit = self.step_at(at, index).attempts.last().cloned();
            unit.into_iter().for_each(|unit| self.act(super::Act::Clear(unit)));
        }
        false
    }
}
