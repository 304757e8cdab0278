//! A commit's files as a tar, no more of them than a snapshot may have: a small repository can unfold into more than any disk
//! holds.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use tidegate_os::file::free_bytes;

use super::Repository;
use super::command::no_git;
use super::repository::is_commit;
use crate::snapshot::MOST_BYTES;

/// What the tar adds to the files.
const HEADERS: u64 = 256 << 20;
/// Of what is free on the disk: the files are laid out and copied later on.
const PART_OF_FREE: u64 = 3;

/// Writes the files of a commit to `into`, which is not there yet; nothing is left there where it fails.
pub(super) fn write(repository: &Repository, commit: &str, into: &Path) -> io::Result<()> {
    if !is_commit(commit) {
        let message = format!("`{commit}` is no full id of a commit");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let most = (MOST_BYTES + HEADERS).min(free_bytes(repository.dir())? / PART_OF_FREE);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(into)?;
    let written = pour(repository, commit, &mut file, most);
    if written.is_err() {
        let _ = std::fs::remove_file(into);
    }
    written
}

fn pour(repository: &Repository, commit: &str, file: &mut File, most: u64) -> io::Result<()> {
    let mut command = repository.command();
    // Its tree, not the commit: that would put the commit's id and time into the tar.
    command.args(["archive", "--format=tar", &format!("{commit}^{{tree}}")]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(no_git)?;
    let copied = copy(&mut child, file, most);
    if copied.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    copied?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("git archive ended with {status}"))) }
}

fn copy(child: &mut Child, file: &mut File, most: u64) -> io::Result<()> {
    let Some(stdout) = child.stdout.take() else { return Ok(()) };
    let copied = io::copy(&mut stdout.take(most + 1), file)?;
    if copied > most {
        let message = format!("the commit's files are over {most} bytes together");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(())
}
