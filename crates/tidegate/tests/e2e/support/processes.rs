//! Processes as the system knows them: what belongs to a data directory, and what one of them uses.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command line, with spaces.
    pub command: String,
}

impl Process {
    /// Every process that names `data` in its command line or in its environment, zombies left out.
    pub fn all_of(data: &Path) -> Vec<Process> {
        let needle = data.as_os_str().as_encoded_bytes();
        let pids =
            fs::read_dir("/proc").unwrap().filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| *pid != std::process::id()).filter_map(|pid| of_data(pid, needle)).collect()
    }

    /// Those of [`Process::all_of`] that are gateways.
    pub fn gateways_of(data: &Path) -> Vec<Process> {
        Self::all_of(data).into_iter().filter(|process| process.is("gateway")).collect()
    }

    /// Those of [`Process::all_of`] that are shims.
    pub fn shims_of(data: &Path) -> Vec<Process> {
        Self::all_of(data).into_iter().filter(|process| process.is("shim")).collect()
    }

    fn is(&self, command: &str) -> bool {
        self.command.split(' ').nth(1) == Some(command)
    }

    /// Resident memory in KiB, shared pages included.
    pub fn resident_kib(pid: u32) -> u64 {
        kib_of(&format!("/proc/{pid}/status"), "VmRSS:")
    }

    /// Resident memory in KiB, each shared page counted in parts.
    pub fn proportional_kib(pid: u32) -> u64 {
        kib_of(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
    }

    /// Processor time used so far, of all its threads, also of those that have ended; in steps of 10 ms.
    pub fn cpu_time(pid: u32) -> Duration {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The name in parentheses may hold anything; after it the fields from the third on.
        let (_, fields) = text.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

/// Sends a signal; a process that is gone already is no error.
pub fn kill(pid: u32, signal: i32) {
    let _ = tidegate_os::process::kill(pid, signal);
}

fn of_data(pid: u32, needle: &[u8]) -> Option<Process> {
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|bytes| !bytes.is_empty())?;
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let names = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let command_line = || String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    (names(&command) || names(&environment)).then(|| Process { pid, command: command_line() })
}

fn kib_of(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
