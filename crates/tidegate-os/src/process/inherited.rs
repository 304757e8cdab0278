//! Children of an earlier program of this process: an exec keeps them, and forgets who they are.

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::table;

/// Those that still have to be reaped, each by its own id: never the children that this program starts itself.
#[derive(Debug, Default)]
pub struct Inherited(Vec<Pid>);

impl Inherited {
    /// All children there are: for a program that has started none yet.
    pub fn all() -> Self {
        let own = std::process::id();
        let children = table::all().into_iter().filter(|entry| entry.parent == own);
        Inherited(children.filter_map(|entry| i32::try_from(entry.pid).ok()).map(Pid::from_raw).collect())
    }

    /// Reaps those that have ended; how many are left.
    pub fn reap(&mut self) -> usize {
        self.0.retain(|pid| {
            matches!(
                waitpid(*pid, Some(WaitPidFlag::WNOHANG)),
                Ok(WaitStatus::StillAlive) | Err(Errno::EINTR)
            )
        });
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_those_that_were_there_are_reaped() {
        let mut before = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(before.id()).unwrap());
        assert!(Inherited::all().0.contains(&pid));
        // Not all of them: other tests may have children in this process.
        let mut inherited = Inherited(vec![pid]);
        let mut after = Command::new("true").spawn().unwrap();
        assert_eq!(inherited.reap(), 1, "it runs");
        crate::process::kill(before.id(), 9).unwrap();
        let begun = Instant::now();
        while inherited.reap() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", table::entry(before.id()));
            std::thread::yield_now();
        }
        assert!(before.try_wait().is_err(), "it was reaped");
        assert!(after.wait().unwrap().success(), "it was left to whoever started it");
    }
}
