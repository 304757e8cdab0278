//! Command probes: run here, because here is where the unit's confinement and secrets are.

use tidegate_core::model::Exit;
use tidegate_core::time::Millis;
use tidegate_os::process::{Reaped, kill_group};

use super::child::Starter;
use crate::process::message::FromShim;

/// As many commands at a time: there are three probes, asked one after another.
const MOST: usize = 4;

const SIGKILL: i32 = 9;

/// The commands that run.
#[derive(Default)]
pub(super) struct Checks {
    running: Vec<Check>,
}

struct Check {
    serial: u64,
    pid: u32,
    timeout_ms: u64,
    until_ms: u64,
}

impl Checks {
    /// Starts one; the answer at once where that failed.
    pub(super) fn start(
        &mut self,
        starter: &Starter,
        ask: (u64, &str, u64),
        now_ms: u64,
    ) -> Option<FromShim> {
        let (serial, command, timeout_ms) = ask;
        if self.running.len() >= MOST {
            return Some(answer(serial, false, "too many checks at a time".to_owned()));
        }
        match starter.check(command) {
            Ok(child) => {
                let until_ms = now_ms.saturating_add(timeout_ms);
                self.running.push(Check { serial, pid: child.id(), timeout_ms, until_ms });
                None
            }
            Err(error) => Some(answer(serial, false, format!("cannot start the command: {error}"))),
        }
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.running.iter().map(|check| check.until_ms).min()
    }

    /// A child ended: the answer, if it was one of these.
    pub(super) fn on_reaped(&mut self, reaped: &Reaped) -> Option<FromShim> {
        let at = self.running.iter().position(|check| check.pid == reaped.pid)?;
        let check = self.running.swap_remove(at);
        let exit = Exit { code: reaped.code, signal: reaped.signal, ..Exit::default() };
        let _ = kill_group(check.pid, SIGKILL);
        Some(answer(check.serial, exit.success(), exit.to_string()))
    }

    /// Kills those that took too long.
    pub(super) fn on_time(&mut self, now_ms: u64) -> Vec<FromShim> {
        let late = |check: &mut Check| check.until_ms <= now_ms;
        let give_up = |check: Check| {
            let _ = kill_group(check.pid, SIGKILL);
            answer(check.serial, false, format!("no answer in {}", Millis(check.timeout_ms)))
        };
        self.running.extract_if(.., late).map(give_up).collect()
    }
}

fn answer(serial: u64, good: bool, answer: String) -> FromShim {
    FromShim::Checked { serial, good, answer }
}
