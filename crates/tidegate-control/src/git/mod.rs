//! The apps' bare repositories, `git/APP.git` of the data directory, through the git binary.
//!
//! [`GitRepositories`] is what the control loop and the API have of them, [`Repository`] one of them, [`Service`] what a Git
//! client is served by. Nothing here knows what a run is or decides whether one begins: that is [`crate::push`].

mod access;
mod archive;
mod command;
mod hooks;
mod leftovers;
mod limited;
mod remote;
mod repository;
mod service;
mod version;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_core::model::{Name, PushedRef, RunNo};

use crate::seams::{Commit, Repositories};
pub use access::AccessKey;
pub use remote::{Opener, Remote};
pub use repository::{Repository, is_commit};
pub use service::{Caller, Service};
pub use version::finding;

/// Every repository of a data directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GitRepositories {
    data: PathBuf,
    root: PathBuf,
}

impl GitRepositories {
    /// Those of a data directory; nothing is made yet.
    pub fn of(data: &Path) -> Self {
        GitRepositories { data: data.to_owned(), root: data.join("git") }
    }

    /// Makes what serving needs, and clears what killed pushes left behind. For who holds the data directory, before a push can
    /// come in.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        hooks::write(&self.hooks())?;
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "git") {
                leftovers::clear(&path)?;
            } else if path.extension().is_some_and(|end| end == "new") {
                fs::remove_dir_all(&path)?;
            }
        }
        Ok(())
    }

    /// The repository of an app; `None`: nobody has pushed to it yet.
    pub fn get(&self, app: &Name) -> Option<Repository> {
        let path = self.path(app);
        path.join("HEAD").is_file().then(|| Repository::at(path))
    }

    /// The repository of an app, made where there is none.
    ///
    /// # Errors
    /// The file system's, or that there is no git binary.
    pub fn get_or_make(&self, app: &Name) -> io::Result<Repository> {
        if let Some(repository) = self.get(app) {
            return Ok(repository);
        }
        let path = self.path(app);
        // Whole or not at all, whoever else makes it at the same time.
        let new = self.unused(app);
        Repository::make(&new)?;
        match fs::rename(&new, &path) {
            Ok(()) => {}
            Err(_) if self.get(app).is_some() => fs::remove_dir_all(&new)?,
            Err(error) => return Err(error),
        }
        Ok(Repository::at(path))
    }

    /// The key that opens repositories to Git clients, made where there is none.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` where its file holds something else.
    pub fn access(&self) -> io::Result<AccessKey> {
        AccessKey::in_file(&self.root.join("key"))
    }

    /// Where everything about Git is kept.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn hooks(&self) -> PathBuf {
        self.root.join("hooks")
    }

    fn path(&self, app: &Name) -> PathBuf {
        self.root.join(format!("{app}.git"))
    }

    /// A name that nobody uses, here or in another process.
    fn unused(&self, app: &Name) -> PathBuf {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        self.root.join(format!("{app}.{}-{serial}.new", std::process::id()))
    }

    fn existing(&self, app: &Name) -> io::Result<Repository> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{app} has no Git repository here"));
        self.get(app).ok_or_else(missing)
    }
}

impl Repositories for GitRepositories {
    fn archive(&self, app: &Name, commit: &str, into: &Path) -> io::Result<()> {
        archive::write(&self.existing(app)?, commit, into)
    }

    fn file(&self, app: &Name, commit: &str, path: &str, most: u64) -> io::Result<Option<String>> {
        self.existing(app)?.file(commit, path, most)
    }

    fn move_branch(&self, app: &Name, push: &PushedRef, commit: &str) -> io::Result<bool> {
        self.existing(app)?.move_branch(push, commit)
    }

    fn tip(&self, app: &Name, branch: &str) -> io::Result<Option<String>> {
        self.get(app).map_or(Ok(None), |repository| repository.tip(branch))
    }

    fn contains(&self, app: &Name, branch: &str, commit: &str) -> io::Result<bool> {
        let repository = self.existing(app)?;
        match repository.tip(branch)? {
            Some(tip) => repository.is_ancestor(commit, &tip),
            None => Ok(false),
        }
    }

    fn branches_with(&self, app: &Name, commit: &str) -> io::Result<Vec<String>> {
        self.existing(app)?.branches_with(commit)
    }

    fn log(&self, app: &Name, after: Option<&str>, until: &str, most: usize) -> io::Result<Vec<Commit>> {
        self.existing(app)?.log(after, until, most)
    }

    fn keep(&self, app: &Name, run: RunNo, commit: &str) -> io::Result<()> {
        self.existing(app)?.keep(run, commit)
    }

    fn keep_only(&self, app: &Name, runs: &BTreeSet<RunNo>) -> io::Result<()> {
        self.get(app).map_or(Ok(()), |repository| repository.keep_only(runs))
    }
}
