//! A proxy's process: started on its own processor, looked at from outside, and stopped.
//!
//! What counts for a proxy counts for its children as well: nginx works in one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ticks of `/proc/PID/stat` in a second, on every machine Debian runs on.
const TICKS: f64 = 100.0;
/// How long a proxy may take to end when it is told to.
const END_WITHIN: Duration = Duration::from_secs(5);

/// See the module. Dropping it ends the process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command on a processor, what it says going to a file.
    pub fn start(command: &Command, cpu: Option<usize>, log: &Path) -> io::Result<Self> {
        let said = File::create(log)?;
        let mut pinned = pinned(command, cpu);
        pinned.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let child = pinned.spawn()?;
        Ok(Process { child, log: log.to_owned() })
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.trim().lines().collect();
        if lines.is_empty() {
            "it says nothing".into()
        } else {
            lines[lines.len().saturating_sub(3)..].join(" / ")
        }
    }

    /// Processor time of the process and its children so far.
    pub fn cpu(&self) -> Duration {
        let ticks: u64 = self.tree().iter().filter_map(|pid| ticks(*pid)).sum();
        Duration::from_secs_f64(ticks as f64 / TICKS)
    }

    /// Resident memory of the process and its children, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.tree().iter().filter_map(|pid| resident_kib(*pid)).sum()
    }

    fn tree(&self) -> Vec<u32> {
        let parents = parents();
        let mut tree = vec![self.child.id()];
        let mut next = 0;
        while next < tree.len() {
            let parent = tree[next];
            tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            next += 1;
        }
        tree
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.runs() {
            return;
        }
        let tree = self.tree();
        signal(self.child.id(), Signal::SIGTERM);
        let deadline = Instant::now() + END_WITHIN;
        while self.runs() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.runs() {
            tree.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
            // Killed: there is nothing it could still be waiting for.
            let _ = self.child.wait();
        }
    }
}

/// The command on a processor, where there is more than one; told to end when this process does, however it does.
fn pinned(command: &Command, cpu: Option<usize>) -> Command {
    let mut pinned = Command::new("setpriv");
    pinned.args(["--pdeathsig", "TERM", "--"]);
    if let Some(cpu) = cpu {
        pinned.args(["taskset", "-c"]).arg(cpu.to_string());
    }
    pinned.arg(command.get_program());
    pinned.args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            pinned.env(name, value);
        }
    }
    pinned
}

fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // It has ended by itself.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Every process and its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, stat_field(pid, 1)?.try_into().ok()?))).collect()
}

fn ticks(pid: u32) -> Option<u64> {
    Some(stat_field(pid, 11)? + stat_field(pid, 12)?)
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// A field of `/proc/PID/stat`, counted from the one after the name (which may contain anything): the state is 0.
fn stat_field(pid: u32, index: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_counted_with_its_children_and_ends_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done & wait"]);
        let process = Process::start(&command, None, &dir.path().join("log")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while process.cpu() < Duration::from_millis(50) {
            assert!(Instant::now() < deadline, "no time of the child was seen");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(process.resident_kib() > 0);
        let tree = process.tree();
        assert_eq!(tree.len(), 2);
        tree.into_iter().skip(1).for_each(|pid| signal(pid, Signal::SIGKILL));
        let pid = process.child.id();
        drop(process);
        assert_eq!(stat_field(pid, 1), None);
    }
}
