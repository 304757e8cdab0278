//! An app's folder as a Git checkout.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::App;

/// A checkout whose commits a test pushes.
#[derive(Debug)]
pub struct Repo(PathBuf);

impl Repo {
    /// Makes one of an app's folder, with its files as the first commit.
    pub fn of(app: &App) -> Self {
        let repo = Repo(app.path().to_owned());
        repo.well(&["init", "-q", "-b", "main", "."]);
        repo.commit("First");
        repo
    }

    /// One that was made before.
    pub fn at(app: &App) -> Self {
        Repo(app.path().to_owned())
    }

    /// Commits everything; the commit's id.
    pub fn commit(&self, subject: &str) -> String {
        self.well(&["add", "-A"]);
        self.well(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.well(&["rev-parse", "HEAD"])
    }

    /// Pushes HEAD to a branch.
    pub fn push(&self, url: &str, branch: &str) -> Output {
        self.command(&["push", url, &format!("HEAD:{branch}")]).output().unwrap()
    }

    /// The commit a branch of another repository is at.
    pub fn tip(&self, url: &str, branch: &str) -> String {
        let listed = self.well(&["ls-remote", url, &format!("refs/heads/{branch}")]);
        listed.split('\t').next().unwrap_or_default().to_owned()
    }

    /// A git in it, free of what the surroundings set.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.0)
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(args);
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        command.stdin(Stdio::null());
        command
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn well(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
