//! Repositories without Git: branches and where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_control::seams::{Commit, Repositories};
use tidegate_core::model::{Name, PushedRef, RunNo};

/// The branches of every app, by app and full name.
#[derive(Debug, Default)]
pub struct FakeRepositories {
    branches: Mutex<BTreeMap<(Name, String), String>>,
}

impl FakeRepositories {
    fn branches(&self) -> MutexGuard<'_, BTreeMap<(Name, String), String>> {
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commit a branch is at, by its full name.
    pub fn at(&self, app: &Name, name: &str) -> Option<String> {
        self.branches().get(&(app.clone(), name.to_owned())).cloned()
    }
}

impl Repositories for FakeRepositories {
    fn archive(&self, _: &Name, _: &str, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn move_branch(&self, app: &Name, push: &PushedRef, commit: &str) -> io::Result<bool> {
        let mut branches = self.branches();
        let at = branches.entry((app.clone(), push.name.clone())).or_insert_with(|| push.before.clone());
        let moves = *at == push.before || at == commit;
        if moves {
            commit.clone_into(at);
        }
        Ok(moves)
    }

    fn tip(&self, app: &Name, branch: &str) -> io::Result<Option<String>> {
        Ok(self.at(app, &format!("refs/heads/{branch}")))
    }

    fn contains(&self, _: &Name, _: &str, _: &str) -> io::Result<bool> {
        Ok(true)
    }

    fn branches_with(&self, _: &Name, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn log(&self, _: &Name, _: Option<&str>, _: &str, _: usize) -> io::Result<Vec<Commit>> {
        Ok(Vec::new())
    }

    fn keep(&self, _: &Name, _: RunNo, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn keep_only(&self, _: &Name, _: &BTreeSet<RunNo>) -> io::Result<()> {
        Ok(())
    }
}
