//! One repository: its branches, its commits, and what a commit has of a file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate_core::model::{PushedRef, RunNo};

use super::command::{Said, git, git_of_hook, run, run_with};
use crate::seams::Commit;

/// Where the commits of runs are kept: no client sees or changes what is there.
const RUNS: &str = "refs/tidegate/runs/";
const BRANCHES: &str = "refs/heads/";

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    /// `None`: the one this process is a hook of.
    dir: Option<PathBuf>,
}

/// Whether a text is the full id of a commit: it can be given to git without being taken for anything else.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Repository {
    pub(super) fn at(dir: PathBuf) -> Self {
        Repository { dir: Some(dir) }
    }

    /// The repository this process is a hook of, with the objects of the push that are not taken yet.
    pub fn of_hook() -> Self {
        Repository { dir: None }
    }

    /// Makes an empty one whose main branch is `main`.
    pub(super) fn make(dir: &Path) -> io::Result<()> {
        let parent = dir.parent().unwrap_or(dir);
        let mut command = git(parent);
        command.env_remove("GIT_DIR").args([
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=main",
        ]);
        run(command, [dir])?.text().map(drop)
    }

    pub(super) fn command(&self) -> Command {
        self.dir.as_deref().map_or_else(git_of_hook, git)
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new("."))
    }

    fn ask(&self, args: &[&str]) -> io::Result<Said> {
        run(self.command(), args)
    }

    /// What a commit has at `path`; `None` where it has no file there. Refused where the file has more than `most` bytes.
    ///
    /// # Errors
    /// `FileTooLarge`, `InvalidData` where it is no UTF-8, else git's.
    pub fn file(&self, commit: &str, path: &str, most: u64) -> io::Result<Option<String>> {
        let listed =
            self.ask(&["ls-tree", "--full-tree", "-l", "-z", checked(commit)?, "--", path])?.text()?;
        let Some((kind, size)) = regular_file(&listed) else { return Ok(None) };
        if size > most {
            let message = format!("{path} has {size} bytes, more than {most}");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let said = self.ask(&["cat-file", "blob", kind])?;
        if !said.status.success() {
            return Err(said.failed());
        }
        let not_utf8 = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not UTF-8"));
        String::from_utf8(said.out).map(Some).map_err(not_utf8)
    }

    /// Whether `later` is `earlier` or comes after it.
    ///
    /// # Errors
    /// Git's: no such commit.
    pub fn is_ancestor(&self, earlier: &str, later: &str) -> io::Result<bool> {
        let said = self.ask(&["merge-base", "--is-ancestor", checked(earlier)?, checked(later)?])?;
        match said.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(said.failed()),
        }
    }

    /// See [`Repositories::move_branch`](crate::seams::Repositories::move_branch).
    pub(super) fn move_branch(&self, push: &PushedRef, commit: &str) -> io::Result<bool> {
        let Some(branch) = push.name.strip_prefix(BRANCHES) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no branch", push.name)));
        };
        let (commit, before) = (checked(commit)?, checked(&push.before)?);
        let said = self.ask(&["update-ref", &push.name, commit, before])?;
        if said.status.success() {
            return Ok(true);
        }
        // Moved already by who was killed before saying so; moved elsewhere; or the machine's trouble.
        match self.tip(branch)? {
            Some(tip) if tip == commit => Ok(true),
            tip if tip.as_deref().unwrap_or(&nothing_like(before)) == before => Err(said.failed()),
            _ => Ok(false),
        }
    }

    pub(super) fn tip(&self, branch: &str) -> io::Result<Option<String>> {
        let name = format!("{BRANCHES}{branch}");
        let said = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        // Quietly 1: no such branch.
        if said.status.code() == Some(1) {
            return Ok(None);
        }
        Ok(said.text()?.lines().last().map(str::to_owned).filter(|tip| is_commit(tip)))
    }

    /// Its branches, by their short names.
    ///
    /// # Errors
    /// Git's.
    pub fn branches(&self) -> io::Result<Vec<String>> {
        let listed = self.ask(&["for-each-ref", "--format=%(refname)", BRANCHES])?.text()?;
        Ok(listed.lines().filter_map(|name| name.strip_prefix(BRANCHES)).map(str::to_owned).collect())
    }

    pub(super) fn branches_with(&self, commit: &str) -> io::Result<Vec<String>> {
        let contains = format!("--contains={}", checked(commit)?);
        let listed = self.ask(&["for-each-ref", &contains, "--format=%(refname)", BRANCHES])?.text()?;
        Ok(listed.lines().filter_map(|name| name.strip_prefix(BRANCHES)).map(str::to_owned).collect())
    }

    /// The commits that `until` has and `after` has not, the newest first, at most `most`.
    ///
    /// # Errors
    /// Git's: no such commit.
    pub fn log(&self, after: Option<&str>, until: &str, most: usize) -> io::Result<Vec<Commit>> {
        let most = format!("--max-count={most}");
        let after = after.map(checked).transpose()?.map(|after| format!("^{after}"));
        let format = "--format=tformat:%H%x00%an%x00%ae%x00%at%x00%s";
        let mut args = vec!["log", "--no-show-signature", "--encoding=UTF-8", &most, format, checked(until)?];
        args.extend(after.as_deref());
        Ok(self.ask(&args)?.text()?.lines().filter_map(commit_of).collect())
    }

    pub(super) fn keep(&self, run: RunNo, commit: &str) -> io::Result<()> {
        self.ask(&["update-ref", &format!("{RUNS}{run}"), checked(commit)?])?.text().map(drop)
    }

    pub(super) fn keep_only(&self, runs: &BTreeSet<RunNo>) -> io::Result<()> {
        let listed = self.ask(&["for-each-ref", "--format=%(refname)", RUNS])?.text()?;
        let gone = |name: &&str| {
            let number = name.strip_prefix(RUNS).and_then(|number| number.parse().ok());
            number.is_some_and(|number| !runs.contains(&RunNo(number)))
        };
        let orders: String = listed.lines().filter(gone).map(|name| format!("delete {name}\n")).collect();
        if orders.is_empty() {
            return Ok(());
        }
        run_with(self.command(), ["update-ref", "--stdin"], orders.as_bytes())?.text().map(drop)
    }

    /// Removes branches, by their short names. Those that are not there are no matter.
    ///
    /// # Errors
    /// Git's.
    pub fn forget<'a>(&self, branches: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let orders: String =
            branches.into_iter().map(|branch| format!("delete {BRANCHES}{branch}\n")).collect();
        run_with(self.command(), ["update-ref", "--stdin"], orders.as_bytes())?.text().map(drop)
    }

    /// Packs what has piled up and removes what nothing has referred to for two weeks, where there is enough of it to be
    /// worth while. Takes as long as the repository is large.
    ///
    /// # Errors
    /// Git's.
    pub fn tidy(&self) -> io::Result<()> {
        let settings = ["-c", "gc.auto=4000", "-c", "gc.autoPackLimit=40", "-c", "gc.autoDetach=false"];
        run(self.command(), settings.into_iter().chain(["gc", "--auto", "--quiet"]))?.text().map(drop)
    }
}

fn checked(commit: &str) -> io::Result<&str> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{commit}` is no full id of a commit"));
    is_commit(commit).then_some(commit).ok_or_else(bad)
}

/// What git calls the tip of a branch that is not there.
fn nothing_like(id: &str) -> String {
    "0".repeat(id.len())
}

/// The id and size of the one regular file that `ls-tree -l -z` lists.
fn regular_file(listed: &str) -> Option<(&str, u64)> {
    let (meta, _) = listed.split_once('\t')?;
    let mut fields = meta.split_ascii_whitespace();
    let (mode, kind, id, size) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    (kind == "blob" && mode.starts_with("100")).then_some((id, size.parse().ok()?))
}

fn commit_of(line: &str) -> Option<Commit> {
    let mut fields = line.splitn(5, '\0').map(str::to_owned);
    Some(Commit {
        id: fields.next()?,
        author: fields.next()?,
        email: fields.next()?,
        at_unix_s: fields.next()?.parse().ok()?,
        subject: fields.next()?,
    })
}
