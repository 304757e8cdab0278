//! A repository at another machine: what it has, and its commits into one of ours.
//!
//! Called by [`crate::source`]. Whatever is at the address is not trusted: it gets no more time, memory and disk than said here, no
//! other way than the address's own, no redirection, and what opens it is given to nobody but its host. Nothing of that is on
//! a command line.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tidegate_core::source::{Listed, SourceAddress};
use tidegate_os::file::free_bytes;

use super::Repository;
use super::command::{Said, quiet};
use super::limited::{git_within, run_within};
use super::repository::is_commit;
use super::service::MOST_PUSHED;

/// For the names of branches.
const LIST_WITHIN: Duration = Duration::from_secs(30);
/// For their commits: a repository with much history over a slow line.
const FETCH_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Of what is free on the disk.
const PART_OF_FREE: u64 = 3;
const BRANCHES: &str = "refs/heads/";

/// What git is told about other machines.
const SETTINGS: [&str; 13] = [
    "protocol.version=2",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "submodule.recurse=false",
    "maintenance.auto=false",
    // Always one pack: the limit is of a file, and objects by themselves would each have it anew.
    "fetch.unpackLimit=1",
    // Objects made to harm whoever reads them are refused; what old programs did wrong is not that.
    "fetch.fsckObjects=true",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.badTimezone=ignore",
];

/// Of what we were started with: the way out of this network, and whom to believe.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "HTTPS_PROXY",
    "https_proxy",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What opens a repository, in files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Opener {
    /// Nothing.
    #[default]
    Nothing,
    /// A token.
    Token {
        /// The name that goes with it.
        user: String,
        /// The file that holds it.
        token: PathBuf,
        /// The program that gives both to git.
        askpass: PathBuf,
    },
    /// A key for SSH.
    Key {
        /// The key's file.
        key: PathBuf,
        /// The file with the keys of hosts. A host that is not in it yet is believed once, unless `strict`.
        known_hosts: PathBuf,
        /// Whether only hosts of the file are believed.
        strict: bool,
    },
}

/// A repository at another machine.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where.
    pub address: SourceAddress,
    /// What opens it.
    pub opener: Opener,
}

impl Remote {
    /// Its branches.
    ///
    /// # Errors
    /// As git says: not there, not open to us; `TimedOut`.
    pub fn list(&self) -> io::Result<Listed> {
        let mut command = self.git(0, Path::new("/nonexistent"));
        command.args(["ls-remote", "--symref", "--", self.address.as_str(), "HEAD", "refs/heads/*"]);
        let said = run_within(command, Vec::new(), LIST_WITHIN)?;
        Ok(listed(&self.explained(said)?))
    }

    /// Brings branches into a repository of ours, wherever they were before.
    ///
    /// # Errors
    /// As git says; `TimedOut`; `FileTooLarge`. The branches are as they were then.
    pub fn fetch(&self, into: &Repository, branches: &[&str]) -> io::Result<()> {
        let most = MOST_PUSHED.min(free_bytes(into.dir())? / PART_OF_FREE);
        let mut command = self.git(most, into.dir());
        command.args(["fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head"]);
        command.args(["--no-recurse-submodules", "--no-auto-maintenance", "--stdin", "--"]);
        command.arg(self.address.as_str());
        let wanted: String =
            branches.iter().map(|branch| format!("{BRANCHES}{branch}:{BRANCHES}{branch}\n")).collect();
        let fetched =
            run_within(command, wanted.into_bytes(), FETCH_WITHIN).and_then(|said| self.explained(said));
        fetched.map(drop).or_else(|error| {
            clear_halves(into.dir())?;
            Err(too_large(error, most))
        })
    }

    /// Brings branches into a repository of ours, all at once; where that fails each by itself, so that one whose commits are refused
    /// keeps back no other. Those that came, and why the first of the others did not.
    pub fn fetch_what_can_be<'b>(
        &self,
        into: &Repository,
        branches: &[&'b str],
    ) -> (Vec<&'b str>, Option<io::Error>) {
        if branches.is_empty() {
            return (Vec::new(), None);
        }
        let Err(error) = self.fetch(into, branches) else { return (branches.to_vec(), None) };
        if branches.len() == 1 || concerns_all(&error) {
            return (Vec::new(), Some(error));
        }
        let (mut came, mut withheld) = (Vec::new(), None);
        for &branch in branches {
            match self.fetch(into, &[branch]) {
                Ok(()) => came.push(branch),
                Err(error) if concerns_all(&error) => return (came, Some(error)),
                Err(error) => {
                    let why = io::Error::new(error.kind(), format!("{branch}: {error}"));
                    withheld.get_or_insert(why);
                }
            }
        }
        (came, withheld)
    }

    fn git(&self, most_bytes: u64, repository: &Path) -> Command {
        // The names of branches need no files; what SSH writes of hosts is small.
        let mut command = git_within(most_bytes.max(1 << 20));
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        quiet(&mut command);
        command.env("GIT_DIR", repository).current_dir("/");
        command.env("GIT_ALLOW_PROTOCOL", self.address.transport().as_str());
        self.open(&mut command);
        command
    }

    fn open(&self, command: &mut Command) {
        match &self.opener {
            Opener::Nothing => {}
            Opener::Token { user, token, askpass } => {
                command.env("GIT_ASKPASS", askpass).env("TIDEGATE_GIT_USER", user);
                command.env("TIDEGATE_GIT_HOST", self.address.authority());
                command.env("TIDEGATE_GIT_TOKEN_FILE", token);
            }
            Opener::Key { key, known_hosts, strict } => {
                command.env("GIT_SSH_VARIANT", "ssh").env("GIT_SSH_COMMAND", ssh(key, known_hosts, *strict));
            }
        }
    }

    /// What it answered; in the words of its host where it refused.
    fn explained(&self, said: Said) -> io::Result<String> {
        let redirected = ["301", "302", "307", "308"];
        let moved = redirected.iter().any(|code| said.error.contains(&format!("returned error: {code}")));
        said.text().map_err(|error| {
            let hint = "the repository is elsewhere: write its address as its host shows it";
            if moved { io::Error::other(hint) } else { error }
        })
    }
}

/// The ssh that uses one key and believes one file. Nobody is asked, and nothing of a person's settings is read.
fn ssh(key: &Path, known_hosts: &Path, strict: bool) -> String {
    let believe = if strict { "yes" } else { "accept-new" };
    // In quotes of its own: a blank in it would part two files.
    let hosts = quoted(&format!("UserKnownHostsFile=\"{}\"", plain(known_hosts)));
    format!(
        "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=15 \
         -o StrictHostKeyChecking={believe} -o {hosts} -o GlobalKnownHostsFile=/dev/null -i {}",
        quoted(&plain(key))
    )
}

/// A path in which ssh replaces nothing.
fn plain(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What `ls-remote --symref` says.
fn listed(text: &str) -> Listed {
    let mut heads = BTreeMap::new();
    let mut main = None;
    for (first, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let (Some(target), "HEAD") = (first.strip_prefix("ref: "), name) {
            main = target.strip_prefix(BRANCHES).map(str::to_owned);
        } else if let Some(branch) = name.strip_prefix(BRANCHES).filter(|_| is_commit(first)) {
            heads.insert(branch.to_owned(), first.to_owned());
        }
    }
    Listed { heads, main }
}

/// Packs that came half: what is pushed to us comes into folders of its own, so these are of this fetch.
fn clear_halves(repository: &Path) -> io::Result<()> {
    for entry in fs::read_dir(repository.join("objects/pack"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("tmp_") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A host that is slow is so for every branch.
fn concerns_all(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

fn too_large(error: io::Error, most: u64) -> io::Error {
    let said = error.to_string();
    // `File too large` of a write, or the signal that comes with it.
    if said.contains("File too large") || said.contains("signal 25") || said.contains("SIGXFSZ") {
        let message = format!("what is new of it is over {most} bytes, packed");
        return io::Error::new(io::ErrorKind::FileTooLarge, message);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_the_main_one_are_read() {
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        let text = format!(
            "ref: refs/heads/main\tHEAD\n{one}\tHEAD\n{one}\trefs/heads/main\n{two}\trefs/heads/a/b\nx\trefs/heads/odd\n"
        );
        let found = listed(&text);
        assert_eq!(found.main.as_deref(), Some("main"));
        assert_eq!(found.heads, [("main".to_owned(), one), ("a/b".to_owned(), two)].into());
        assert_eq!(listed(""), Listed::default());
    }

    #[test]
    fn the_words_for_ssh_stay_words() {
        let command = ssh(Path::new("/srv/it's/key"), Path::new("/srv/known 1% hosts"), true);
        let script = format!("ssh() {{ for word; do printf '%s\\n' \"$word\"; done; }}; {command}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = words.lines().collect();
        assert!(words.contains(&"/srv/it's/key"), "{words:?}");
        assert!(words.contains(&"UserKnownHostsFile=\"/srv/known 1%% hosts\""), "{words:?}");
        assert!(words.contains(&"StrictHostKeyChecking=yes"), "{words:?}");
    }
}
