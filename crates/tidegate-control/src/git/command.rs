//! Running the git binary: nothing of whoever started us has a say in it, and what it answers is bounded.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// What is read of an answer.
pub(super) const MOST_ANSWER: u64 = 16 << 20;
/// What is shown of what it says about a failure, in characters.
const MOST_SAID: usize = 400;

/// What every git of ours is told.
pub(super) const ALWAYS: [&str; 5] = [
    // The data directory may belong to another user than the one who serves it, root say.
    "safe.directory=*",
    "gc.auto=0",
    "core.fsync=committed,reference",
    "pack.threads=1",
    "pack.windowMemory=64m",
];

/// How a git ended, and what it said.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) out: Vec<u8>,
    pub(super) error: String,
}

/// A git that has the repository at `dir` as its own.
pub(super) fn git(dir: &Path) -> Command {
    let mut command = plain();
    command.env_clear();
    for name in ["PATH", "TMPDIR", "LD_LIBRARY_PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("GIT_DIR", dir).current_dir(dir);
    quiet(&mut command);
    command
}

/// A git of a hook: it sees the repository, and the objects that are not in it yet, as its parent told it.
pub(super) fn git_of_hook() -> Command {
    let mut command = plain();
    quiet(&mut command);
    command
}

fn plain() -> Command {
    let mut command = Command::new("git");
    command.args(ALWAYS.iter().flat_map(|setting| ["-c", setting]));
    command
}

/// Nothing but what we say has a say in it, and nobody is asked.
pub(super) fn quiet(command: &mut Command) {
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C");
}

/// Runs it to its end with nothing to read.
pub(super) fn run<S: AsRef<OsStr>>(command: Command, args: impl IntoIterator<Item = S>) -> io::Result<Said> {
    run_with(command, args, &[])
}

/// Runs it to its end with something small to read.
pub(super) fn run_with<S: AsRef<OsStr>>(
    mut command: Command,
    args: impl IntoIterator<Item = S>,
    input: &[u8],
) -> io::Result<Said> {
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(no_git)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read all says why by itself.
        let _ = stdin.write_all(input);
    }
    let mut stderr = child.stderr.take();
    // Beside the answer: a git that waits for one of the two to be read would wait for ever.
    let talk = std::thread::spawn(move || stderr.as_mut().map_or(Ok(String::new()), read_talk));
    let mut out = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST_ANSWER).read_to_end(&mut out)?;
    }
    let status = child.wait()?;
    let error = talk.join().map_err(|_| io::Error::other("what git says cannot be read"))??;
    Ok(Said { status, out, error })
}

fn read_talk(stderr: &mut impl Read) -> io::Result<String> {
    let mut talk = Vec::new();
    stderr.take(MOST_ANSWER).read_to_end(&mut talk)?;
    Ok(String::from_utf8_lossy(&talk).into_owned())
}

impl Said {
    /// What it answered, where it succeeded.
    pub(super) fn text(self) -> io::Result<String> {
        if self.status.success() {
            return Ok(String::from_utf8_lossy(&self.out).into_owned());
        }
        Err(self.failed())
    }

    /// Why it failed.
    pub(super) fn failed(&self) -> io::Error {
        let said: String = self.error.trim().chars().take(MOST_SAID).collect();
        io::Error::other(format!("git ended with {}: {said}", self.status))
    }
}

/// The one thing that is often missing.
pub(super) fn no_git(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(io::ErrorKind::NotFound, "there is no `git` on this machine")
        }
        _ => error,
    }
}
