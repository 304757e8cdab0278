//! Bare repositories through the git binary: what is asked of them, and what a killed git leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tidegate_control::git::GitRepositories;
use tidegate_control::seams::Repositories;
use tidegate_control::snapshot::{Limits, unpack};
use tidegate_core::model::{Name, PushedRef, RunNo};

/// A checkout, and the repositories it is pushed to.
struct Yard {
    folder: TempDir,
    repositories: GitRepositories,
    app: Name,
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repositories = GitRepositories::of(&folder.path().join("data"));
        repositories.prepare().unwrap();
        let app: Name = "shop".parse().unwrap();
        repositories.get_or_make(&app).unwrap();
        let yard = Yard { folder, repositories, app };
        fs::create_dir(yard.work()).unwrap();
        yard.git(&["init", "-q", "-b", "main", "."]);
        yard
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn bare(&self) -> PathBuf {
        self.folder.path().join("data/git/shop.git")
    }

    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.work())
            .args(["-c", "user.name=Ann B", "-c", "user.email=ann@example.org"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits these files.
    fn commit(&self, subject: &str, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.work().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Brings a commit's objects into the repository, on a branch.
    fn bring(&self, branch: &str) {
        let bare = self.bare();
        self.git(&["push", "-q", bare.to_str().unwrap(), &format!("+HEAD:refs/heads/{branch}")]);
    }

    fn moves(&self, before: &str, commit: &str) -> io::Result<bool> {
        let push = PushedRef { name: "refs/heads/main".to_owned(), before: before.to_owned(), moved: false };
        self.repositories.move_branch(&self.app, &push, commit)
    }
}

fn zeros() -> String {
    "0".repeat(40)
}

#[test]
fn an_archive_holds_the_files_of_its_commit_and_nothing_else() {
    let yard = Yard::new();
    let commit = yard.commit("First", &[("tidegate.yaml", "app: shop\n"), ("src/a b.txt", "a")]);
    yard.bring("main");
    let tar = yard.folder.path().join("commit.tar");
    yard.repositories.archive(&yard.app, &commit, &tar).unwrap();
    let into = yard.folder.path().join("out");
    fs::create_dir(&into).unwrap();
    unpack(fs::File::open(&tar).unwrap(), &into, Limits::default()).unwrap();
    assert_eq!(fs::read_to_string(into.join("src/a b.txt")).unwrap(), "a");
    assert_eq!(fs::read_dir(&into).unwrap().count(), 2);
    let other = yard.folder.path().join("other.tar");
    for bad in ["main", "--output=/tmp/x", &"f".repeat(40)] {
        assert!(yard.repositories.archive(&yard.app, bad, &other).is_err(), "{bad}");
        assert!(!other.exists(), "{bad}");
    }
}

#[test]
fn a_branch_moves_from_where_it_was_and_from_nowhere_else() {
    let yard = Yard::new();
    let first = yard.commit("First", &[]);
    let second = yard.commit("Second", &[]);
    let third = yard.commit("Third", &[]);
    yard.bring("elsewhere");
    assert!(yard.moves(&zeros(), &first).unwrap());
    assert!(yard.moves(&zeros(), &first).unwrap(), "it is there: nobody was told the first time, say");
    assert!(yard.moves(&first, &second).unwrap());
    assert!(!yard.moves(&first, &third).unwrap(), "somebody else was quicker");
    assert_eq!(yard.repositories.tip(&yard.app, "main").unwrap(), Some(second.clone()));
    assert!(yard.moves(&second, &"f".repeat(40)).is_err(), "no such commit");
    // A lock that somebody holds is trouble, not a move by somebody else.
    fs::write(yard.bare().join("refs/heads/main.lock"), "").unwrap();
    assert!(yard.moves(&second, &third).is_err());
    assert_eq!(yard.repositories.tip(&yard.app, "main").unwrap(), Some(second));
}

#[test]
fn commits_are_described_and_found_on_their_branches() {
    let yard = Yard::new();
    let first = yard.commit("First", &[]);
    yard.bring("main");
    let second = yard.commit("Add: a \"cart\" | €", &[]);
    yard.bring("feature/cart");
    let log = yard.repositories.log(&yard.app, None, &second, 10).unwrap();
    assert_eq!(log.iter().map(|commit| commit.id.as_str()).collect::<Vec<_>>(), [&second, &first]);
    assert_eq!((log[0].author.as_str(), log[0].email.as_str()), ("Ann B", "ann@example.org"));
    assert_eq!(log[0].subject, "Add: a \"cart\" | €");
    assert_eq!(yard.repositories.log(&yard.app, Some(&first), &second, 10).unwrap().len(), 1);
    assert_eq!(yard.repositories.branches_with(&yard.app, &second).unwrap(), ["feature/cart"]);
    assert!(yard.repositories.contains(&yard.app, "feature/cart", &first).unwrap());
    assert!(!yard.repositories.contains(&yard.app, "main", &second).unwrap());
    assert!(!yard.repositories.contains(&yard.app, "nothing", &first).unwrap());
}

#[test]
fn a_file_is_read_where_it_is_one_and_is_small() {
    let yard = Yard::new();
    std::os::unix::fs::symlink("/etc/passwd", yard.work().join("link")).unwrap();
    let commit = yard.commit("First", &[("a", "text"), ("d/x", "")]);
    yard.bring("main");
    let read = |path: &str, most| yard.repositories.file(&yard.app, &commit, path, most);
    assert_eq!(read("a", 4).unwrap().as_deref(), Some("text"));
    assert_eq!(read("a", 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    for none in ["b", "link", "d"] {
        assert_eq!(read(none, 100).unwrap(), None, "{none}");
    }
}

#[test]
fn commits_of_runs_stay_as_long_as_their_runs() {
    let yard = Yard::new();
    let commit = yard.commit("First", &[]);
    yard.bring("main");
    for run in [1, 2, 3] {
        yard.repositories.keep(&yard.app, RunNo(run), &commit).unwrap();
    }
    yard.repositories.keep_only(&yard.app, &BTreeSet::from([RunNo(2)])).unwrap();
    let listed =
        Command::new("git").current_dir(yard.bare()).args(["for-each-ref", "--format=%(refname)"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert_eq!(listed, "refs/heads/main\nrefs/tidegate/runs/2\n");
}

#[test]
fn what_a_killed_git_left_is_cleared_before_the_next_push() {
    let yard = Yard::new();
    let first = yard.commit("First", &[]);
    yard.bring("elsewhere");
    let bare = yard.bare();
    let half = bare.join("objects/tmp_objdir-incoming-AbCdEf/pack");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("tmp_pack_x"), "half a push").unwrap();
    fs::write(bare.join("refs/heads/main.lock"), "").unwrap();
    fs::write(bare.join("packed-refs.lock"), "").unwrap();
    fs::create_dir(yard.folder.path().join("data/git/blog.1-0.new")).unwrap();
    yard.repositories.prepare().unwrap();
    assert!(!bare.join("objects/tmp_objdir-incoming-AbCdEf").exists());
    assert!(!yard.folder.path().join("data/git/blog.1-0.new").exists());
    assert!(yard.moves(&zeros(), &first).unwrap());
}

#[test]
fn a_repository_is_made_once_and_whole() {
    let yard = Yard::new();
    let app: Name = "blog".parse().unwrap();
    assert!(yard.repositories.get(&app).is_none());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| yard.repositories.get_or_make(&app).unwrap());
        }
    });
    assert!(yard.repositories.get(&app).is_some());
    let left = fs::read_dir(yard.repositories.root()).unwrap();
    assert!(
        !left
            .flatten()
            .any(|entry| Path::new(&entry.file_name()).extension().is_some_and(|end| end == "new"))
    );
}
