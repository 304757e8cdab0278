//! The program on disk: the file this process was started from, whatever it holds by now. For `tidegate upgrade` alone;
//! everything else is started from the program as it runs.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long the program may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);
/// What `--version` says before the version.
const NAME: &str = "tidegate ";
/// The longest version.
const MOST_VERSION: usize = 64;

/// See the module.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// How this process was called: the name, then its arguments.
    name: OsString,
    args: Vec<OsString>,
}

impl Program {
    /// That of this process. Asked for at its start: later the file may be another one.
    pub fn of_this_process() -> Self {
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_else(|| "tidegate".into());
        // As typed first: it may be a symbolic link that an upgrade turns elsewhere.
        let path = candidates(&name).into_iter().find(|path| is_this_program(path));
        let path = path.or_else(|| std::env::current_exe().ok()).unwrap_or_else(|| super::PROGRAM.into());
        Program { path, name, args: args.collect() }
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to see that it can be run here; the version it says it is.
    pub fn version(&self) -> Result<String, Failure> {
        let said = self.asked_for_its_version().map_err(|error| self.unusable(&error.to_string()))?;
        let version = said.trim_end().strip_prefix(NAME).filter(|version| is_version(version));
        version.map(str::to_owned).ok_or_else(|| self.unusable("it is not Tidegate"))
    }

    /// Turns this process into it, with the same arguments. Returns only where that cannot be.
    pub fn take_this_process(&self) -> Failure {
        let error = self.exec(&self.path);
        tracing::error!(%error, path = %self.path.display(), "the new program cannot be run; the old one goes on");
        let error = self.exec(Path::new(super::PROGRAM));
        Failure::environment(
            format!("the control plane cannot go on: {error}"),
            "instances and the gateway go on; run `tidegate up` again",
        )
    }

    fn exec(&self, path: &Path) -> io::Error {
        Command::new(path).arg0(&self.name).args(&self.args).exec()
    }

    fn asked_for_its_version(&self) -> io::Result<String> {
        let mut command = Command::new(&self.path);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let status = wait(&mut child)?;
        if !status.success() {
            return Err(io::Error::other(format!("`--version` ended with {status}")));
        }
        // What it said is in the pipe by now: one read has it all, or as much as a version can be.
        let mut said = vec![0; NAME.len() + MOST_VERSION];
        let length = child.stdout.take().map_or(Ok(0), |mut stdout| stdout.read(&mut said))?;
        said.truncate(length);
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn unusable(&self, why: &str) -> Failure {
        Failure::environment(
            format!("the program {} cannot take over: {why}", self.path.display()),
            "nothing was changed; put a Tidegate there that runs on this machine, and try again",
        )
    }
}

/// Waits for a program that may hang.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let until = Instant::now() + VERSION_WITHIN;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            let message = format!("`--version` did not end within {} s", VERSION_WITHIN.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        std::thread::sleep(LOOK);
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text.len() < MOST_VERSION
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
}

/// Where a program called so may be: at a path, or in a directory of `PATH`.
fn candidates(name: &OsStr) -> Vec<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return std::path::absolute(name).into_iter().collect();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter_map(|dir| std::path::absolute(dir.join(name)).ok()).collect()
}

/// Whether this process runs what is there: a caller may have given us any name.
fn is_this_program(path: &Path) -> bool {
    let (Ok(there), Ok(ours)) = (fs::metadata(path), fs::metadata(super::PROGRAM)) else { return false };
    (there.dev(), there.ino()) == (ours.dev(), ours.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn script(text: &str) -> (tempfile::TempDir, Program) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tidegate");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (dir, Program { path, name: "tidegate".into(), args: Vec::new() })
    }

    #[test]
    fn a_program_is_one_of_ours_if_it_says_so() {
        assert_eq!(script("echo tidegate 1.2.3-rc.1").1.version().unwrap(), "1.2.3-rc.1");
        for bad in
            ["echo other 1.2.3", "echo tidegate", "echo tidegate 1 2", "echo tidegate 1.2.3; exit 3", "true"]
        {
            let (_dir, program) = script(bad);
            assert!(program.version().is_err(), "{bad}");
        }
        let (dir, program) = script("true");
        drop(dir);
        assert!(program.version().is_err(), "it is gone");
    }

    #[test]
    fn this_program_is_found_by_its_path_and_not_by_the_name_of_another() {
        let program = Program::of_this_process();
        assert!(program.path().is_absolute() && is_this_program(program.path()), "{program:?}");
        assert!(!is_this_program(Path::new("/bin/sh")));
    }
}
