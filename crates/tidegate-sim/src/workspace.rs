//! Workspaces without files: laying out and taking in take virtual time, and are lost in a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tidegate_control::seams::{Gathering, Layout, Workspaces};
use tidegate_core::model::{InstanceId, Name, RunNo};
use tidegate_core::pipeline::WorkspaceSight;
use tidegate_core::time::{Millis, Moment};

/// How long it takes.
const TAKES: Millis = Millis(70);

/// The workspaces.
#[derive(Debug, Default)]
pub struct FakeWorkspaces {
    now: Moment,
    begun: BTreeMap<InstanceId, (Moment, WorkspaceSight)>,
    there: BTreeSet<InstanceId>,
}

impl FakeWorkspaces {
    /// Moves its time.
    pub fn set_now(&mut self, now: Moment) {
        self.now = now;
    }

    /// When something is next over.
    pub fn next_change(&self) -> Option<Moment> {
        self.begun.values().map(|(at, _)| *at).filter(|at| *at > self.now).min()
    }

    /// The process that worked on them is gone.
    pub fn crash(&mut self) {
        self.begun.clear();
    }

    /// Those that are there.
    pub fn there(&self) -> &BTreeSet<InstanceId> {
        &self.there
    }
}

impl Workspaces for FakeWorkspaces {
    fn lay(&mut self, unit: &InstanceId, _: Layout) {
        self.there.insert(unit.clone());
        self.begun.insert(unit.clone(), (self.now + TAKES, WorkspaceSight::Ready));
    }

    fn gather(&mut self, unit: &InstanceId, _: Gathering) {
        let sight = if self.there.contains(unit) {
            WorkspaceSight::Gathered { tests: None }
        } else {
            WorkspaceSight::Failed("there is no workspace".to_owned())
        };
        self.begun.insert(unit.clone(), (self.now + TAKES, sight));
    }

    fn sight(&mut self, unit: &InstanceId) -> Option<WorkspaceSight> {
        let (at, sight) = self.begun.get(unit)?;
        Some(if *at > self.now { WorkspaceSight::Busy } else { sight.clone() })
    }

    fn secrets(&self, _: &Name, _: &[String]) -> Result<BTreeMap<String, String>, String> {
        Ok(BTreeMap::new())
    }

    fn dir(&self, unit: &InstanceId) -> PathBuf {
        PathBuf::from("/workspaces").join(&unit.0)
    }

    fn clear(&mut self, unit: &InstanceId) {
        self.begun.remove(unit);
        self.there.remove(unit);
    }

    fn keep(&mut self, units: &BTreeSet<InstanceId>, _: &BTreeSet<RunNo>) {
        self.there.retain(|unit| units.contains(unit));
    }
}
