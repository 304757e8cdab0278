//! Starting a process that outlives us: the gateway, a shim, the control plane in the background.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::libc;

/// A program to start in a session of its own: no terminal, no descriptors but its standard ones.
#[derive(Debug, Default)]
pub struct Detached {
    /// The program, found in `PATH` where it has no slash.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment; `None`: ours.
    pub env: Option<Vec<(OsString, OsString)>>,
    /// The directory it runs in; `None`: ours.
    pub dir: Option<PathBuf>,
    /// Its standard input; `None`: `/dev/null`.
    pub stdin: Option<OwnedFd>,
    /// Its standard output; `None`: `/dev/null`.
    pub stdout: Option<OwnedFd>,
    /// Its standard error; `None`: `/dev/null`.
    pub stderr: Option<OwnedFd>,
}

impl Detached {
    /// Starts it. Whoever starts it waits for it some time, or leaves that to init by ending first.
    pub fn spawn(self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(env) = self.env {
            command.env_clear().envs(env);
        }
        if let Some(dir) = self.dir {
            command.current_dir(dir);
        }
        command.stdin(stdio(self.stdin)).stdout(stdio(self.stdout)).stderr(stdio(self.stderr));
        // SAFETY: the closure makes plain system calls and allocates nothing, so it may run between fork and exec of a
        // process with several threads.
        unsafe { command.pre_exec(leave) };
        command.spawn()
    }
}

fn leave() -> io::Result<()> {
    nix::unistd::setsid()?;
    close_others_on_exec();
    super::signal::reset()
}

fn stdio(fd: Option<OwnedFd>) -> Stdio {
    fd.map_or_else(Stdio::null, Stdio::from)
}

/// Marks every descriptor beyond the standard ones to be closed by exec, also those a library opened without care.
pub(super) fn close_others_on_exec() {
    // SAFETY: only sets a flag on descriptors; kernels before 5.11 answer EINVAL, and then only our own care is left.
    unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::io::{BufRead, BufReader};
    use std::time::{Duration, Instant};

    fn open_descriptors(pid: u32) -> BTreeSet<String> {
        let listing = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_has_a_session_of_its_own_and_only_standard_descriptors() {
        // As a careless library leaves them: open across exec.
        let careless = nix::unistd::dup(io::stdin()).unwrap();
        let (ours, theirs) = io::pipe().unwrap();
        let spec = Detached {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), "echo up; exec sleep 1000".into()],
            stdout: Some(theirs.into()),
            ..Detached::default()
        };
        let mut child = spec.spawn().unwrap();
        drop(careless);
        let mut said = String::new();
        BufReader::new(ours).read_line(&mut said).unwrap();
        let entry = crate::process::entry(child.id()).unwrap();
        assert_eq!((entry.group, entry.session), (child.id(), child.id()));
        let standard = BTreeSet::from(["0", "1", "2"].map(str::to_owned));
        let begun = Instant::now();
        // A program that has just begun has its libraries open for a moment.
        while open_descriptors(child.id()) != standard {
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", open_descriptors(child.id()));
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
