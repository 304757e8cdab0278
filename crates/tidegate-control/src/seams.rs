//! What the control loop acts through, besides the backend: the gateway, the place where builds are made, and the apps'
//! Git repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use tidegate_core::model::{
    Build, BuildId, ExposureReport, FlagBundle, GatewayObservation, InstanceId, Name, PushedRef, ReportName,
    RouteTable, RunNo,
};
use tidegate_core::pipeline::WorkspaceSight;
use tidegate_core::provenance::Sealed;

/// The gateway as the control loop sees it. Calls never wait.
pub trait RouteSink: Send {
    /// Gives it a table. It takes only one newer than what it has; the same one again does no harm.
    fn push(&mut self, table: &RouteTable);
    /// Gives it the flags it serves: whole or not at all. Where it fails it goes on with what it has.
    fn put_flags(&mut self, _bundle: &FlagBundle) -> io::Result<()> {
        Ok(())
    }
    /// Whether what it was given last is still there: somebody may have removed it, or written over it.
    fn has_flags(&self) -> bool {
        true
    }
    /// Its reports of users of experiments that wait to be taken, each gateway's oldest first.
    fn reports(&mut self) -> Vec<ReportName> {
        Vec::new()
    }
    /// One of them.
    ///
    /// # Errors
    /// `InvalidData` or `UnexpectedEof` where it is none and never will be; others may pass.
    fn report(&mut self, _name: &ReportName) -> io::Result<ExposureReport> {
        Err(io::ErrorKind::NotFound.into())
    }
    /// Removes one that was taken, or that nobody can read.
    fn drop_report(&mut self, _name: &ReportName) {}
    /// Whether it has a database of where clients are.
    fn has_places(&self) -> bool {
        true
    }
    /// What it last said.
    fn observe(&mut self) -> GatewayObservation;
}

/// Where snapshots become builds. Work goes on in the background; each step can be begun again after a kill.
pub trait Workshop: Send {
    /// Begins to lay a clean copy of the snapshot into the build's directory.
    fn unpack(&mut self, build: &BuildId, snapshot: &str);
    /// Begins to make the build's files read-only, take their digest, and list what they are made of.
    fn seal(&mut self, build: &Build);
    /// What became of the step begun last.
    fn step(&mut self, build: &BuildId) -> Step;
    /// Begins to look whether the files of a sealed build are those of this digest.
    fn inspect(&mut self, _build: &BuildId, _subject: &str) {}
    /// What the look begun last came to, told once; `None`: it goes on.
    fn inspected(&mut self, _build: &BuildId) -> Option<Inspection> {
        None
    }
    /// Removes a build's directory, and its snapshot where `snapshot` is given.
    fn discard(&mut self, build: &BuildId, snapshot: Option<&str>);
    /// Removes the snapshots that no unfinished build needs.
    fn keep_snapshots(&mut self, _needed: &BTreeSet<String>) {}
    /// The build's directory: also the one its instances run in.
    fn dir(&self, build: &BuildId) -> PathBuf;
    /// Whether a finished build has this folder, or why it cannot be served: a link out of the build is refused.
    fn check_folder(&self, build: &BuildId, folder: &str) -> Result<(), String>;
    /// The same of a file.
    fn check_file(&self, build: &BuildId, file: &str) -> Result<(), String>;
}

/// What became of a step of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// None was begun since this process started.
    Idle,
    /// It goes on.
    Busy,
    /// The clean copy is there.
    Unpacked,
    /// The files are sealed.
    Sealed {
        /// SHA-256 of the files.
        content: String,
        /// Their size in bytes.
        size: u64,
        /// What is said of them in the build's attestation.
        found: Sealed,
    },
    /// It failed.
    Failed(String),
}

/// What a look at the files of a sealed build came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The digest of what is there; empty where it cannot be read.
    pub digest: String,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// How many entries were looked at.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// The apps' Git repositories. A commit is 40 or 64 hex digits, never a name that could move. An error is the machine's, or
/// that there is no such repository or commit. Calls take milliseconds, but for `archive`.
pub trait Repositories: Send + Sync {
    /// Writes the files of a commit as a tar to `into`, a file that is not there yet. Takes as long as the files are large.
    fn archive(&self, app: &Name, commit: &str, into: &Path) -> io::Result<()>;
    /// The text of a commit's file; `None` where there is no such file. One of more than `most` bytes, or that is no UTF-8, is an
    /// error.
    fn file(&self, _app: &Name, _commit: &str, _path: &str, _most: u64) -> io::Result<Option<String>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Moves a pushed branch to its commit, where it still is what it was before the push. True where it is there
    /// (already); false where somebody else moved it meanwhile: nothing is changed then.
    fn move_branch(&self, app: &Name, push: &PushedRef, commit: &str) -> io::Result<bool>;
    /// The commit a branch is at, by its short name; `None`: there is no such branch.
    fn tip(&self, app: &Name, branch: &str) -> io::Result<Option<String>>;
    /// Whether a commit can be reached from a branch, by its short name. False where there is no such branch.
    fn contains(&self, app: &Name, branch: &str, commit: &str) -> io::Result<bool>;
    /// The branches a commit can be reached from, by their short names.
    fn branches_with(&self, app: &Name, commit: &str) -> io::Result<Vec<String>>;
    /// The commits that `until` has and `after` has not, the newest first, at most `most`. `None`: all of them.
    fn log(&self, app: &Name, after: Option<&str>, until: &str, most: usize) -> io::Result<Vec<Commit>>;
    /// Keeps a run's commit from being cleaned away, whatever becomes of its branch.
    fn keep(&self, app: &Name, run: RunNo, commit: &str) -> io::Result<()>;
    /// Lets go of the commits of runs that are not among these.
    fn keep_only(&self, app: &Name, runs: &BTreeSet<RunNo>) -> io::Result<()>;
}

/// What Git says of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// 40 or 64 hex digits.
    pub id: String,
    /// Its author's name.
    pub author: String,
    /// Its author's address.
    pub email: String,
    /// The first line of its message.
    pub subject: String,
    /// When it was made: seconds since the Unix epoch.
    pub at_unix_s: i64,
}

/// Where steps of pipelines work: a copy of the files for each process. Work goes on in the background; each part of it can be begun
/// again after a kill.
pub trait Workspaces: Send {
    /// Begins to lay one out: the files, what is cached, what earlier stages left. What was there before is removed first.
    fn lay(&mut self, unit: &InstanceId, order: Layout);
    /// Begins to take in what a step left in its own.
    fn gather(&mut self, unit: &InstanceId, order: Gathering);
    /// What became of what was begun last; `None`: nothing was, since this process started.
    fn sight(&mut self, unit: &InstanceId) -> Option<WorkspaceSight>;
    /// The values of an app's secrets with these names; which one is missing. They are the machine's, not the store's.
    fn secrets(&self, app: &Name, names: &[String]) -> Result<BTreeMap<String, String>, String>;
    /// The folder of one.
    fn dir(&self, unit: &InstanceId) -> PathBuf;
    /// Removes one; nothing happens where there is none.
    fn clear(&mut self, unit: &InstanceId);
    /// Removes those of no process among these, and what was kept of runs that are not among these.
    fn keep(&mut self, units: &BTreeSet<InstanceId>, runs: &BTreeSet<RunNo>);
}

/// What a workspace is laid out from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The app, whose caches it gets.
    pub app: Name,
    /// The build whose files it gets; `None`: those of the snapshot.
    pub build: Option<BuildId>,
    /// SHA-256 of the commit's files.
    pub snapshot: String,
    /// Folders that are kept from run to run.
    pub cache: Vec<String>,
    /// The runs whose artifacts it gets, the oldest first.
    pub artifacts_of: Vec<RunNo>,
}

/// What is taken in of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// The app, for its caches.
    pub app: Name,
    /// The run that keeps its artifacts.
    pub run: RunNo,
    /// Folders to keep for the next run; none where the step failed.
    pub cache: Vec<String>,
    /// What later stages get; none where the step failed.
    pub artifacts: Vec<String>,
    /// Reports of tests.
    pub reports: Vec<String>,
}

/// No workspaces at all: for those who run no pipelines.
#[derive(Clone, Copy, Debug)]
pub struct NoWorkspaces;

impl Workspaces for NoWorkspaces {
    fn lay(&mut self, _: &InstanceId, _: Layout) {}
    fn gather(&mut self, _: &InstanceId, _: Gathering) {}
    fn sight(&mut self, _: &InstanceId) -> Option<WorkspaceSight> {
        Some(WorkspaceSight::Failed("there are no workspaces here".to_owned()))
    }
    fn secrets(&self, _: &Name, _: &[String]) -> Result<BTreeMap<String, String>, String> {
        Ok(BTreeMap::new())
    }
    fn dir(&self, _: &InstanceId) -> PathBuf {
        PathBuf::new()
    }
    fn clear(&mut self, _: &InstanceId) {}
    fn keep(&mut self, _: &BTreeSet<InstanceId>, _: &BTreeSet<RunNo>) {}
}
