//! Signals out.

use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};

/// Sends a signal to one process. One that is gone already is no error.
pub fn kill(pid: u32, signal: i32) -> io::Result<()> {
    send(one(pid)?, signal)
}

/// Sends a signal to a process group. One that is gone already is no error.
pub fn kill_group(group: u32, signal: i32) -> io::Result<()> {
    send(-one(group)?, signal)
}

/// 0 and 1 mean other things to the kernel than "that process": a mistake here would end strangers.
fn one(pid: u32) -> io::Result<i32> {
    i32::try_from(pid).ok().filter(|pid| *pid > 1).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill(2) touches no memory of ours. nix's wrapper knows no real-time signals, which a stop may name.
    match Errno::result(unsafe { libc::kill(pid, signal) }) {
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives a child the signal state a program expects: nothing blocked, nothing ignored. For use between fork and exec.
pub(super) fn reset() -> io::Result<()> {
    for ignored in [Signal::SIGPIPE, Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD] {
        // SAFETY: restoring the default action runs no code of ours.
        unsafe { signal(ignored, SigHandler::SigDfl) }?;
    }
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_that_mean_something_else_to_the_kernel_are_refused() {
        for pid in [0, 1, u32::MAX] {
            assert!(kill(pid, 0).is_err());
            assert!(kill_group(pid, 0).is_err());
        }
        assert!(kill(std::process::id(), 0).is_ok());
    }
}
