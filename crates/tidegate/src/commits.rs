//! Commits of the repository a folder is in, read by the `git` command: a commit's files, and what differs between two.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tidegate_control::snapshot::{Limits, unpack};
use tidegate_core::view::PlannedCode;

use crate::failure::Failure;

/// Commits and files that are listed.
const MOST_LISTED: usize = 20;

/// The full name of a commit.
pub fn named(folder: &Path, revision: &str) -> Result<String, Failure> {
    let meant = format!("{revision}^{{commit}}");
    git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &meant]).ok_or_else(|| {
        let message = format!("`{revision}` is no commit of the repository at {}", folder.display());
        Failure::mistake(message, "`git log --oneline` lists them")
    })
}

/// The files of a commit below a folder, laid out in a folder of their own.
pub fn files_of(folder: &Path, commit: &str) -> Result<TempDir, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::environment(format!("cannot lay out commit {commit}: {error}"), "look at `git fsck`")
    };
    let dir = TempDir::new().map_err(|error| failed(&error))?;
    // Of the tree: the archive of a commit begins with a header of its own, which is no file.
    let mut child = command(folder, &["archive", "--format=tar", &format!("{commit}^{{tree}}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let unpacked = child.stdout.take().map(|archive| unpack(archive, dir.path(), Limits::default()));
    let mut said = String::new();
    let _ = child.stderr.take().map(|errors| errors.take(4_000).read_to_string(&mut said));
    let ended = child.wait().map_err(|error| failed(&error))?;
    // Where the files are refused git ends badly too, for nobody reads on.
    unpacked.transpose().map_err(|error| failed(&error))?;
    if ended.success() { Ok(dir) } else { Err(failed(&said.trim())) }
}

/// What of the code below a folder is new in `to`; `None` where the repository does not know `from`.
pub fn between(folder: &Path, from: &str, to: &str) -> Option<PlannedCode> {
    let range = format!("{from}..{to}");
    let log = git(folder, &["log", "--format=%h %s", "--end-of-options", &range, "--", "."])?;
    let lost =
        git(folder, &["rev-list", "--count", "--end-of-options", &format!("{to}..{from}"), "--", "."])?;
    let diff =
        git(folder, &["diff", "--name-status", "--relative", "--end-of-options", from, to, "--", "."])?;
    let (commits, more_commits) = some_of(&log);
    let (files, more_files) = some_of(&diff.replace('\t', " "));
    let (from, to, lost_commits) = (from.to_owned(), to.to_owned(), lost.parse().unwrap_or(0));
    Some(PlannedCode { from, to, commits, more_commits, lost_commits, files, more_files })
}

fn some_of(lines: &str) -> (Vec<String>, usize) {
    let listed: Vec<String> = lines.lines().take(MOST_LISTED).map(str::to_owned).collect();
    let more = lines.lines().count() - listed.len();
    (listed, more)
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = command(folder, args).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    command
}
