//! Starting a process that can do less than we can, and that ends when we do.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, getppid, setgroups, setresgid, setresuid};

use super::{MountPlan, detach, network, signal};

/// A user and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Whom we run as.
pub fn own_user() -> User {
    User { uid: geteuid().as_raw(), gid: getegid().as_raw() }
}

/// Whether we run as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// What a child is confined to. It always gets a session and process group of its own, no new privileges, no descriptors
/// but its standard ones, no core files, and SIGKILL when its parent thread ends.
#[derive(Debug, Default)]
pub struct Confinement {
    /// Opened `cgroup.procs` files of the control groups it joins.
    pub groups: Vec<OwnedFd>,
    /// What it sees of the file system; `None`: all we see.
    pub mounts: Option<MountPlan>,
    /// The directory it runs in, as it sees the file system; `None`: ours.
    pub dir: Option<PathBuf>,
    /// Whom it runs as, without supplementary groups and with an empty capability bounding set; `None`: as we do.
    pub user: Option<User>,
    /// Whether it gets only what others leave of the CPU, and is the first to go where memory is short.
    pub background: bool,
    /// Whether it has no network but one of its own, with nothing but a loopback.
    pub offline: bool,
    /// The most processes and threads of its user, all its instances together; `None`: as many as we may have.
    pub processes: Option<u64>,
}

impl Confinement {
    /// Starts `command` so. Only for a process with a single thread: what happens between fork and exec allocates.
    ///
    /// # Errors
    /// The exec's or the confinement's; `InvalidInput` where this process has more than one thread.
    pub fn spawn(self, mut command: Command) -> io::Result<Child> {
        if !single_threaded()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "confining needs a process of one thread",
            ));
        }
        let parent = Pid::this();
        // SAFETY: with a single thread no lock can be held across the fork, so the closure may allocate and call anything.
        unsafe { command.pre_exec(move || self.apply(parent)) };
        command.spawn()
    }

    fn apply(&self, parent: Pid) -> io::Result<()> {
        nix::unistd::setsid()?;
        die_with(parent)?;
        signal::reset()?;
        detach::close_others_on_exec();
        for group in &self.groups {
            nix::unistd::write(group, b"0")?;
        }
        if self.background {
            yield_to_others();
        }
        if self.offline {
            network::leave_the_network()?;
        }
        if let Some(mounts) = &self.mounts {
            mounts.apply()?;
        }
        bound(self.processes)?;
        // Not left to `Command`, which would enter it before anything is mounted, and so behind the mounts.
        if let Some(dir) = &self.dir {
            nix::unistd::chdir(dir)?;
        }
        if let Some(user) = self.user {
            drop_to(user)?;
        }
        prctl::set_no_new_privs()?;
        // A change of user has cleared it.
        die_with(parent)
    }
}

/// A core file has secrets in it, and may be as large as the memory.
fn bound(processes: Option<u64>) -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if let Some(most) = processes {
        let (_, hard) = nix::sys::resource::getrlimit(Resource::RLIMIT_NPROC)?;
        setrlimit(Resource::RLIMIT_NPROC, most.min(hard), most.min(hard))?;
    }
    Ok(())
}

/// The lowest but one priority of a process.
const NICE: libc::c_int = 18;

fn die_with(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have ended before we asked.
    if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// A kernel or a sandbox that does not let us is good enough: the limits hold all the same.
fn yield_to_others() {
    // SAFETY: the call takes plain numbers and touches no memory of ours.
    unsafe { libc::setpriority(libc::PRIO_PROCESS as _, 0, NICE) };
    // Where sessions share the CPU rather than processes, what counts is the session's.
    let _ = std::fs::write("/proc/self/autogroup", NICE.to_string());
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

fn drop_to(user: User) -> io::Result<()> {
    empty_bounding_set();
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    setgroups(&[gid])?;
    setresgid(gid, gid, gid)?;
    Ok(setresuid(uid, uid, uid)?)
}

/// Capabilities the kernel does not know, or that we may not drop, answer with an error that changes nothing.
fn empty_bounding_set() {
    for capability in 0..64 as libc::c_ulong {
        // SAFETY: the call takes plain numbers and touches no memory of ours.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
}

fn single_threaded() -> io::Result<bool> {
    Ok(std::fs::read_dir("/proc/self/task")?.take(2).count() == 1)
}
