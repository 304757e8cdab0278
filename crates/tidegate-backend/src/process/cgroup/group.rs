//! The control groups of one unit: made and left by its shim, ended and removed by whoever cleans up.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_core::model::Limits;
use tidegate_os::egress::forbid_metadata;

use super::Controller;

/// One group to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::process) struct GroupPlan {
    /// Its directory.
    pub path: PathBuf,
    /// What to write to which of its files.
    pub settings: Vec<Setting>,
    /// Whether what is in it is kept from a cloud's metadata service.
    #[serde(default)]
    pub no_metadata: bool,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::process) struct Setting {
    file: String,
    value: String,
    /// Whether a kernel without this file is good enough.
    optional: bool,
}

impl GroupPlan {
    /// It gets a small part of the CPU where others want it; all of it, up to its limit, where they do not.
    pub(in crate::process) fn yield_to_others(&mut self) {
        // One of the two is there where the group has the CPU controller; neither where it has not.
        self.settings.push(may("cpu.weight", "5".to_owned()));
        self.settings.push(may("cpu.shares", "51".to_owned()));
    }
}

/// Over so many microseconds a CPU limit is kept.
const PERIOD_US: u64 = 100_000;
/// The kernel refuses a smaller share of the period.
const LEAST_US: u64 = 1_000;

fn quota_us(limits: &Limits) -> Option<u64> {
    limits.cpu.map(|cpu| (u64::from(cpu.0) * PERIOD_US / 1_000).max(LEAST_US))
}

fn must(file: &str, value: String) -> Setting {
    Setting { file: file.to_owned(), value, optional: false }
}

fn may(file: &str, value: String) -> Setting {
    Setting { file: file.to_owned(), value, optional: true }
}

pub(super) fn v2_settings(controller: Controller, limits: &Limits) -> Vec<Setting> {
    match controller {
        Controller::Memory => limits.memory.map_or_else(Vec::new, |size| {
            // Swap would only make a leak slow; and one process out of memory takes the unit with it, not a part of it.
            vec![
                must("memory.max", size.0.to_string()),
                may("memory.swap.max", "0".into()),
                may("memory.oom.group", "1".into()),
            ]
        }),
        Controller::Cpu => {
            quota_us(limits).map(|us| must("cpu.max", format!("{us} {PERIOD_US}"))).into_iter().collect()
        }
        Controller::Pids => limits.pids.map(|pids| must("pids.max", pids.to_string())).into_iter().collect(),
    }
}

pub(super) fn v1_settings(controller: Controller, limits: &Limits) -> Vec<Setting> {
    match controller {
        Controller::Memory => limits.memory.map_or_else(Vec::new, |size| {
            let size = size.0.to_string();
            vec![must("memory.limit_in_bytes", size.clone()), may("memory.memsw.limit_in_bytes", size)]
        }),
        Controller::Cpu => quota_us(limits).map_or_else(Vec::new, |us| {
            vec![must("cpu.cfs_period_us", PERIOD_US.to_string()), must("cpu.cfs_quota_us", us.to_string())]
        }),
        Controller::Pids => v2_settings(controller, limits),
    }
}

/// A group that was made, or may have been.
#[derive(Clone, Debug)]
pub(in crate::process) struct Group {
    path: PathBuf,
}

impl Group {
    /// The group of a plan, without making it.
    pub(in crate::process) fn of(plan: &GroupPlan) -> Group {
        Group { path: plan.path.clone() }
    }

    /// Makes the group and sets its limits.
    pub(in crate::process) fn make(plan: &GroupPlan) -> io::Result<Group> {
        match fs::create_dir(&plan.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(&plan.path, error)),
            _ => {}
        }
        for setting in &plan.settings {
            let file = plan.path.join(&setting.file);
            match fs::write(&file, &setting.value) {
                Err(error) if !setting.optional => return Err(at(&file, error)),
                _ => {}
            }
        }
        Ok(Group::of(plan))
    }

    /// Keeps what will be in it from a cloud's metadata service, where the plan says so.
    pub(in crate::process) fn wall_off(&self, plan: &GroupPlan) -> io::Result<()> {
        if plan.no_metadata { forbid_metadata(&self.path) } else { Ok(()) }
    }

    /// The file a process joins by writing `0` to.
    pub(in crate::process) fn door(&self) -> io::Result<OwnedFd> {
        fs::OpenOptions::new().write(true).open(self.path.join("cgroup.procs")).map(OwnedFd::from)
    }

    /// The processes in it.
    pub(in crate::process) fn processes(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// SIGKILL to everything in it at once, where the kernel has that (version 2 since 5.14).
    pub(in crate::process) fn kill(&self) {
        let _ = fs::OpenOptions::new()
            .write(true)
            .open(self.path.join("cgroup.kill"))
            .and_then(|mut file| io::Write::write_all(&mut file, b"1"));
    }

    /// CPU time used in it, in microseconds, where the kernel counts it here: `cpu.stat` in version 2, `cpuacct` in version 1
    /// where that comes with `cpu`.
    pub(in crate::process) fn cpu_us(&self) -> Option<u64> {
        let read = |file: &str| fs::read_to_string(self.path.join(file)).ok();
        let v2 = read("cpu.stat").and_then(|text| count(&text, "usage_usec"));
        v2.or_else(|| Some(read("cpuacct.usage")?.trim().parse::<u64>().ok()? / 1_000))
    }

    /// How many of its processes the kernel ended for want of memory.
    pub(in crate::process) fn out_of_memory_kills(&self) -> u64 {
        let files = ["memory.events", "memory.oom_control"].map(|file| self.path.join(file));
        files.iter().filter_map(|file| count(&fs::read_to_string(file).ok()?, "oom_kill")).sum()
    }

    /// How often the kernel refused it another process.
    pub(in crate::process) fn refused_processes(&self) -> u64 {
        let text = fs::read_to_string(self.path.join("pids.events")).unwrap_or_default();
        count(&text, "max").unwrap_or(0)
    }

    /// Removes it; there must be no process left in it.
    pub(in crate::process) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&self.path, error)),
            _ => Ok(()),
        }
    }
}

fn count(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| *name == key)?.1.trim().parse().ok())
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::units::{ByteSize, MilliCpu};

    #[test]
    fn limits_become_what_the_kernel_wants() {
        let limits = Limits { memory: Some(ByteSize(1024)), cpu: Some(MilliCpu(1_500)), ..Limits::default() };
        let shown = |settings: Vec<Setting>| {
            settings.into_iter().map(|s| format!("{}={}", s.file, s.value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(v2_settings(Controller::Cpu, &limits)), "cpu.max=150000 100000");
        assert_eq!(
            shown(v1_settings(Controller::Cpu, &limits)),
            "cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000"
        );
        assert!(shown(v1_settings(Controller::Memory, &limits)).starts_with("memory.limit_in_bytes=1024 "));
        assert_eq!(shown(v2_settings(Controller::Pids, &limits)), "");
    }

    #[test]
    fn kills_are_counted_in_both_formats() {
        assert_eq!(count("low 0\noom 3\noom_kill 2\noom_group_kill 1\n", "oom_kill"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "oom_kill"), Some(1));
        assert_eq!(count("", "oom_kill"), None);
    }
}
