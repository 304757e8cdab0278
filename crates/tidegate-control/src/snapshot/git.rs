//! What Git says of a folder: the commit, and whether the files differ from it.

use std::path::Path;
use std::process::{Command, Stdio};

use tidegate_core::model::BuildSource;

/// The commit and dirtiness of a folder; both empty where it is no Git checkout or there is no Git.
pub fn source_of(folder: &Path) -> BuildSource {
    let Some(commit) = git(folder, &["rev-parse", "--verify", "HEAD"]) else { return BuildSource::default() };
    // Only this folder counts: an app may be one of several in a repository.
    let changed = git(folder, &["status", "--porcelain", "--untracked-files=normal", "--", "."]);
    BuildSource { commit: Some(commit), dirty: changed.is_none_or(|lines| !lines.is_empty()) }
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
