//! What a shim makes of itself: the reaper of everything it starts, deaf to the terminal, with signals as events.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Makes this process the parent of every orphan among its descendants.
pub fn become_reaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Signals to this process as something to poll: `SIGCHLD` and `SIGTERM`. They and `SIGINT`, `SIGHUP` and `SIGPIPE` do
/// nothing else from then on.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Blocks the signals for this thread and opens the descriptor. Call it before any other thread is started.
    pub fn new() -> io::Result<Self> {
        let mut polled = SigSet::empty();
        polled.add(Signal::SIGCHLD);
        polled.add(Signal::SIGTERM);
        let mut blocked = polled;
        blocked.extend([Signal::SIGINT, Signal::SIGHUP, Signal::SIGPIPE]);
        blocked.thread_block()?;
        let fd = SignalFd::with_flags(&polled, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals { fd })
    }

    /// Takes what has come; true if `SIGTERM` was among it.
    pub fn take(&self) -> bool {
        let mut terminate = false;
        while let Ok(Some(seen)) = self.fd.read_signal() {
            terminate |= seen.ssi_signo == Signal::SIGTERM as u32;
        }
        terminate
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Its id.
    pub pid: u32,
    /// Its exit code, where it exited.
    pub code: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
}

/// This process has no child left, and so, as a reaper, no descendant.
#[derive(Debug)]
pub struct NoChildren;

/// Takes note of a child that ended; `Ok(None)`: those there are all run.
pub fn reap() -> Result<Option<Reaped>, NoChildren> {
    let mut status = 0;
    // SAFETY: `status` is a valid place for the answer. nix's wrapper fails on real-time signals.
    match Errno::result(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }) {
        Ok(0) | Err(Errno::EINTR) => Ok(None),
        Ok(pid) => Ok(Some(Reaped {
            pid: pid.unsigned_abs(),
            code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        })),
        Err(_) => Err(NoChildren),
    }
}

/// Takes standard input and output away for the caller's own use and puts `/dev/null` in their place.
pub fn quit_stdio() -> io::Result<(OwnedFd, OwnedFd)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    Ok((input, output))
}
