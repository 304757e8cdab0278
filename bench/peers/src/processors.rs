//! Which processor the proxy under test has, and which the load and the apps share.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Processors {
    /// The load and the apps.
    pub load: usize,
    /// The proxy.
    pub proxy: usize,
}

impl Processors {
    /// The first two that this process may use; `None` where there is only one.
    pub fn choose() -> io::Result<Option<Self>> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut all = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false));
        Ok(all.next().zip(all.next()).map(|(load, proxy)| Processors { load, proxy }))
    }

    /// Keeps this process on the load's.
    pub fn settle(self) -> io::Result<()> {
        let mut set = CpuSet::new();
        set.set(self.load)?;
        sched_setaffinity(Pid::from_raw(0), &set)?;
        Ok(())
    }
}
