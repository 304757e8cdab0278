//! How a unit comes to its end: asked, then killed, until no process of it is left.

use tidegate_os::process::{descendants, kill, kill_group};

use crate::process::cgroup::Group;

/// What its main process left behind gets this long to end by itself, in milliseconds.
const LEFTOVERS_GRACE_MS: u64 = 2_000;
/// Between two rounds of SIGKILL: what forks faster than we look is met again.
const AGAIN_MS: u64 = 20;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nobody wants it to end.
    Not,
    /// It was asked to and has until then. `strays`: so were its processes outside of its process group.
    Asked { kill_at_ms: u64, strays: bool },
    /// It is being killed, again and again until nothing is left.
    Killing { again_at_ms: u64 },
}

impl Ending {
    /// Sends the signal to the whole process group of `main`.
    pub(super) fn on_stop(&mut self, main: u32, signal: i32, grace_ms: u64, now_ms: u64) {
        let kill_at_ms = now_ms.saturating_add(grace_ms);
        match self {
            Ending::Not => {
                let _ = kill_group(main, signal);
                *self = Ending::Asked { kill_at_ms, strays: false };
            }
            // Told twice: the earlier end counts, and a signal handler that ran once need not run again.
            Ending::Asked { kill_at_ms: known, .. } => *known = kill_at_ms.min(*known),
            Ending::Killing { .. } => {}
        }
    }

    pub(super) fn on_kill(&mut self, now_ms: u64) {
        if !matches!(self, Ending::Killing { .. }) {
            *self = Ending::Killing { again_at_ms: now_ms };
        }
    }

    /// The main process is over; some of its descendants are not. Those in its group were told with it and may still be
    /// busy; the others learn now that they are to end.
    pub(super) fn on_leftovers(&mut self, main: u32, now_ms: u64) {
        match self {
            Ending::Not => {
                let _ = kill_group(main, SIGTERM);
                *self = Ending::Asked { kill_at_ms: now_ms + LEFTOVERS_GRACE_MS, strays: true };
            }
            Ending::Asked { strays, .. } if !*strays => *strays = true,
            Ending::Asked { .. } | Ending::Killing { .. } => return,
        }
        for stray in descendants(std::process::id()).iter().filter(|left| left.group != main) {
            let _ = kill(stray.pid, SIGTERM);
        }
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        match self {
            Ending::Not => None,
            Ending::Asked { kill_at_ms: at, .. } | Ending::Killing { again_at_ms: at } => Some(*at),
        }
    }

    pub(super) fn on_time(&mut self, main: u32, groups: &[Group], now_ms: u64) {
        if self.deadline_ms().is_some_and(|at| at <= now_ms) {
            kill_all(main, groups);
            *self = Ending::Killing { again_at_ms: now_ms + AGAIN_MS };
        }
    }
}

/// The process group, the control groups, and every descendant: also those in sessions of their own, which stay ours
/// because orphans come back to their reaper.
fn kill_all(main: u32, groups: &[Group]) {
    let _ = kill_group(main, SIGKILL);
    for group in groups {
        group.kill();
    }
    for left in descendants(std::process::id()) {
        let _ = kill(left.pid, SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No process has this id: it is above the kernel's limit.
    const NOBODY: u32 = 5_000_000;

    #[test]
    fn a_second_stop_can_only_bring_the_end_nearer() {
        let mut ending = Ending::Not;
        ending.on_stop(NOBODY, SIGTERM, 1_000, 0);
        ending.on_stop(NOBODY, SIGTERM, 5_000, 10);
        assert_eq!(ending, Ending::Asked { kill_at_ms: 1_000, strays: false });
        ending.on_stop(NOBODY, SIGTERM, 100, 20);
        assert_eq!(ending, Ending::Asked { kill_at_ms: 120, strays: false });
    }

    #[test]
    fn after_the_grace_it_is_killed_until_nothing_is_left() {
        let mut ending = Ending::Asked { kill_at_ms: 100, strays: true };
        ending.on_time(NOBODY, &[], 99);
        assert_eq!(ending, Ending::Asked { kill_at_ms: 100, strays: true });
        ending.on_time(NOBODY, &[], 100);
        assert_eq!(ending, Ending::Killing { again_at_ms: 120 });
        ending.on_stop(NOBODY, SIGTERM, 5_000, 110);
        assert_eq!(ending.deadline_ms(), Some(120));
    }
}
