//! The folders that steps work in: a copy of the build each, with what earlier stages left and what earlier runs cached.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidegate_control::snapshot::scan;
use tidegate_core::model::StepSpec;

use super::files::{copy_file, copy_tree, meant};
use super::setting::Setting;
use crate::failure::Failure;
use crate::folder::cannot_take;

/// Everything a run writes, removed with it.
#[derive(Debug)]
pub(super) struct Workspaces {
    root: TempDir,
    cache: Option<PathBuf>,
    count: usize,
}

/// What is copied for a step.
const BASE: &str = "base";
/// What steps left for later stages.
const ARTIFACTS: &str = "artifacts";

impl Workspaces {
    /// A copy of the files of the folder that a deploy would take.
    pub(super) fn new(setting: &Setting) -> Result<Self, Failure> {
        let snapshot = scan(&setting.folder).map_err(|error| cannot_take(&error))?;
        let root = tempfile::Builder::new().prefix("tidegate-pipeline-").tempdir().map_err(|e| failed(&e))?;
        let base = root.path().join(BASE);
        let copy = || {
            fs::create_dir_all(&base)?;
            fs::create_dir_all(root.path().join(ARTIFACTS))?;
            for entry in &snapshot.entries {
                let to = base.join(&entry.path);
                fs::create_dir_all(to.parent().unwrap_or(&base))?;
                copy_file(&setting.folder.join(&entry.path), &to)?;
            }
            Ok(())
        };
        copy().map_err(|error| failed(&error))?;
        Ok(Workspaces { root, cache: setting.cache(), count: 0 })
    }

    /// Where the build is made, which later steps get a copy of.
    pub(super) fn base(&self) -> PathBuf {
        self.root.path().join(BASE)
    }

    /// A workspace for an attempt at a step.
    pub(super) fn begin(&mut self, step: &StepSpec) -> Result<PathBuf, Failure> {
        self.count += 1;
        let workspace = self.root.path().join(format!("step-{}", self.count));
        let prepare = || {
            copy_tree(&self.base(), &workspace)?;
            step.cache.iter().try_for_each(|folder| self.restore(folder, &workspace))?;
            copy_tree(&self.root.path().join(ARTIFACTS), &workspace)
        };
        prepare().map_err(|error| failed(&error))?;
        Ok(workspace)
    }

    /// Takes what a step that succeeded leaves: for later stages, and for later runs.
    pub(super) fn keep(&self, step: &StepSpec, workspace: &Path) -> Result<(), Failure> {
        let keep = || {
            let artifacts = self.root.path().join(ARTIFACTS);
            for path in meant(workspace, &step.artifacts)? {
                let to = artifacts.join(&path);
                fs::create_dir_all(to.parent().unwrap_or(&artifacts))?;
                copy_file(&workspace.join(&path), &to)?;
            }
            step.cache.iter().try_for_each(|folder| self.save(folder, workspace))
        };
        keep().map_err(|error| failed(&error))
    }

    /// Ends a workspace that nobody looks at any more. That it is still there would be no harm.
    pub(super) fn end(workspace: &Path) {
        let _ = fs::remove_dir_all(workspace);
    }

    /// Puts a cached folder over what the workspace has of it, as the server does.
    fn restore(&self, folder: &str, workspace: &Path) -> io::Result<()> {
        match self.kept(folder).filter(|kept| kept.is_dir()) {
            Some(kept) => copy_tree(&kept, &workspace.join(folder)),
            None => Ok(()),
        }
    }

    /// Keeps a folder: written beside what was kept before and then put in its place, so that no run meets half of it.
    fn save(&self, folder: &str, workspace: &Path) -> io::Result<()> {
        let from = workspace.join(folder);
        let Some(kept) = self.kept(folder).filter(|_| from.is_dir()) else { return Ok(()) };
        let parent = kept.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
        let stale = tempfile::Builder::new().prefix(".old-").tempdir_in(parent)?;
        copy_tree(&from, &fresh.path().join("it"))?;
        if kept.exists() {
            fs::rename(&kept, stale.path().join("it"))?;
        }
        fs::rename(fresh.path().join("it"), &kept)
    }

    fn kept(&self, folder: &str) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join(folder.replace('%', "%25").replace('/', "%2F")))
    }
}

fn failed(error: &io::Error) -> Failure {
    let message = format!("cannot prepare the workspaces: {error}");
    Failure::environment(
        message,
        "look at the space and the permissions of the folder for temporary files, $TMPDIR",
    )
}
