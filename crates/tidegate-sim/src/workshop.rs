//! A workshop without files: steps take virtual time, fail where the snapshot's name says so, and are lost in a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tidegate_control::seams::{Step, Workshop};
use tidegate_core::model::{Build, BuildId};
use tidegate_core::provenance::Sealed;
use tidegate_core::time::{Millis, Moment};

/// How long a step takes.
const STEP: Millis = Millis(200);

/// The workshop.
#[derive(Debug, Default)]
pub struct FakeWorkshop {
    now: Moment,
    begun: BTreeMap<BuildId, (Moment, Step)>,
    snapshots: BTreeMap<BuildId, String>,
    dirs: BTreeSet<BuildId>,
}

impl FakeWorkshop {
    /// Moves its time.
    pub fn set_now(&mut self, now: Moment) {
        self.now = now;
    }

    /// When a step is next over.
    pub fn next_change(&self) -> Option<Moment> {
        self.begun.values().map(|(at, _)| *at).filter(|at| *at > self.now).min()
    }

    /// The process that ran the steps is gone.
    pub fn crash(&mut self) {
        self.begun.clear();
    }

    /// The builds whose directories are there.
    pub fn dirs(&self) -> &BTreeSet<BuildId> {
        &self.dirs
    }
}

impl Workshop for FakeWorkshop {
    fn unpack(&mut self, build: &BuildId, snapshot: &str) {
        let step = if snapshot.starts_with("torn") {
            Step::Failed("the snapshot is torn".to_owned())
        } else {
            Step::Unpacked
        };
        self.snapshots.insert(build.clone(), snapshot.to_owned());
        self.dirs.insert(build.clone());
        self.begun.insert(build.clone(), (self.now + STEP, step));
    }

    fn seal(&mut self, build: &Build) {
        let build = &build.id;
        let step = match self.snapshots.get(build) {
            Some(snapshot) if snapshot.starts_with("unsealable") => Step::Failed("a foreign file".to_owned()),
            Some(_) => Step::Sealed {
                content: format!("content of {}", build.0),
                size: 1_000,
                found: Sealed::default(),
            },
            None => Step::Failed("there is nothing to seal".to_owned()),
        };
        self.begun.insert(build.clone(), (self.now + STEP, step));
    }

    fn step(&mut self, build: &BuildId) -> Step {
        match self.begun.get(build) {
            None => Step::Idle,
            Some((at, _)) if *at > self.now => Step::Busy,
            Some((_, step)) => step.clone(),
        }
    }

    fn discard(&mut self, build: &BuildId, _: Option<&str>) {
        self.begun.remove(build);
        self.dirs.remove(build);
    }

    fn dir(&self, build: &BuildId) -> PathBuf {
        PathBuf::from("/builds").join(&build.0)
    }

    fn check_folder(&self, build: &BuildId, folder: &str) -> Result<(), String> {
        let there = self.dirs.contains(build) && folder != "missing";
        if there { Ok(()) } else { Err(format!("the build has no `{folder}`")) }
    }

    fn check_file(&self, build: &BuildId, file: &str) -> Result<(), String> {
        self.check_folder(build, file)
    }
}
