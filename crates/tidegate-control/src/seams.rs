//! What the control loop acts through, besides the backend: the gateway and the place where builds are made.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tidegate_core::model::{BuildId, FlagBundle, GatewayObservation, RouteTable};

/// The gateway as the control loop sees it. Calls never wait.
pub trait RouteSink: Send {
    /// Gives it a table. It takes only one newer than what it has; the same one again does no harm.
    fn push(&mut self, table: &RouteTable);
    /// Gives it the flags it serves: whole or not at all. Where it fails it goes on with what it has.
    fn put_flags(&mut self, _bundle: &FlagBundle) -> std::io::Result<()> {
        Ok(())
    }
    /// What it last said.
    fn observe(&mut self) -> GatewayObservation;
}

/// Where snapshots become builds. Work goes on in the background; each step can be begun again after a kill.
pub trait Workshop: Send {
    /// Begins to lay a clean copy of the snapshot into the build's directory.
    fn unpack(&mut self, build: &BuildId, snapshot: &str);
    /// Begins to make the build's files read-only and take their digest.
    fn seal(&mut self, build: &BuildId);
    /// What became of the step begun last.
    fn step(&mut self, build: &BuildId) -> Step;
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
    },
    /// It failed.
    Failed(String),
}
