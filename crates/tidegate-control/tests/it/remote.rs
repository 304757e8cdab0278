//! Repositories elsewhere through the git binary: what is seen of them, what comes over, and what a fetch that fails leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tidegate_control::git::{GitRepositories, Opener, Remote};
use tidegate_control::seams::Repositories;
use tidegate_core::model::Name;

/// A host with a repository, a checkout of it, and our own repositories.
struct Place {
    folder: TempDir,
    ours: GitRepositories,
    app: Name,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ours = GitRepositories::of(&folder.path().join("data"));
        ours.prepare().unwrap();
        let place = Place { folder, ours, app: "shop".parse().unwrap() };
        git(place.folder.path(), &["init", "-q", "--bare", "-b", "main", "host.git"]);
        git(place.folder.path(), &["init", "-q", "-b", "main", "work"]);
        place
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn remote(&self) -> Remote {
        let address = format!("file://{}/host.git", self.folder.path().display()).parse().unwrap();
        Remote { address, opener: Opener::Nothing }
    }

    /// Commits, and pushes to a branch of the host.
    fn push(&self, branch: &str) -> String {
        git(&self.work(), &["add", "-A"]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", branch]);
        git(&self.work(), &["push", "-q", "-f", "../host.git", &format!("HEAD:refs/heads/{branch}")]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    fn fetch(&self, branches: &[&str]) -> std::io::Result<()> {
        self.remote().fetch(&self.ours.get_or_make(&self.app).unwrap(), branches)
    }

    fn tip(&self, branch: &str) -> Option<String> {
        self.ours.tip(&self.app, branch).unwrap()
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]).args(args);
    let output =
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn branches_are_listed_and_come_over() {
    let place = Place::new();
    assert_eq!(place.remote().list().unwrap().heads.len(), 0);
    let first = place.push("main");
    let other = place.push("a");
    git(&place.work(), &["tag", "v1"]);
    git(&place.work(), &["push", "-q", "../host.git", "v1"]);
    let listed = place.remote().list().unwrap();
    assert_eq!(listed.main.as_deref(), Some("main"));
    assert_eq!(listed.heads, [("a".to_owned(), other), ("main".to_owned(), first.clone())].into());
    place.fetch(&["main"]).unwrap();
    assert_eq!((place.tip("main"), place.tip("a")), (Some(first), None));
    let ours = place.folder.path().join("data/git/shop.git");
    assert_eq!(git(&ours, &["tag"]), "", "only branches");
}

#[test]
fn a_branch_that_was_rewritten_is_what_it_is_there() {
    let place = Place::new();
    place.push("main");
    place.fetch(&["main"]).unwrap();
    git(&place.work(), &["checkout", "-q", "--orphan", "again"]);
    let again = place.push("main");
    place.fetch(&["main"]).unwrap();
    assert_eq!(place.tip("main"), Some(again));
}

#[test]
fn a_branch_gives_way_to_one_whose_name_goes_on() {
    let place = Place::new();
    place.push("release");
    place.fetch(&["release"]).unwrap();
    git(&place.folder.path().join("host.git"), &["branch", "-D", "release"]);
    let two = place.push("release/2");
    place.ours.get(&place.app).unwrap().forget(["release", "never-there"]).unwrap();
    place.fetch(&["release/2"]).unwrap();
    assert_eq!((place.tip("release"), place.tip("release/2")), (None, Some(two)));
}

#[test]
fn what_is_not_there_is_said_and_changes_nothing() {
    let place = Place::new();
    let first = place.push("main");
    place.fetch(&["main"]).unwrap();
    assert!(place.fetch(&["main", "nowhere"]).is_err());
    assert_eq!(place.tip("main"), Some(first));
    fs::rename(place.folder.path().join("host.git"), place.folder.path().join("gone.git")).unwrap();
    let error = place.remote().list().unwrap_err().to_string();
    assert!(
        error.contains("does not appear to be a git repository") || error.contains("not found"),
        "{error}"
    );
}

/// A pack that ends in its middle, as of a host that breaks off.
#[test]
fn a_fetch_that_breaks_off_leaves_nothing() {
    let place = Place::new();
    let noise: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(place.work().join("noise"), noise).unwrap();
    place.push("main");
    let objects = place.folder.path().join("host.git/objects");
    let largest = files(&objects).into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let bytes = fs::read(&largest).unwrap();
    let mut mode = fs::metadata(&largest).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o644);
    fs::set_permissions(&largest, mode).unwrap();
    fs::write(&largest, &bytes[..bytes.len() / 2]).unwrap();
    assert!(place.fetch(&["main"]).is_err());
    assert_eq!(place.tip("main"), None);
    let packs = place.folder.path().join("data/git/shop.git/objects/pack");
    let left: Vec<_> = files(&packs);
    assert!(left.is_empty(), "{left:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect()
}

/// Nothing of a checkout around the data directory has a say: `insteadOf` there could send a fetch elsewhere.
#[test]
fn the_settings_of_a_checkout_around_it_are_not_read() {
    let place = Place::new();
    let first = place.push("main");
    git(place.folder.path(), &["init", "-q", "."]);
    let elsewhere = format!("url.file:///nowhere/.insteadOf=file://{}/", place.folder.path().display());
    let (key, value) = elsewhere.split_once('=').unwrap();
    git(place.folder.path(), &["config", key, value]);
    assert_eq!(place.remote().list().unwrap().heads["main"], first);
    place.fetch(&["main"]).unwrap();
    assert_eq!(place.tip("main"), Some(first));
}

/// A tree that has a folder called `.git` would have a checkout run what is in it.
#[test]
fn a_branch_that_is_refused_keeps_back_no_other() {
    let place = Place::new();
    let good = place.push("main");
    let before = place.push("work");
    place.fetch(&["main", "work"]).unwrap();
    let host = place.folder.path().join("host.git");
    let tree = git(&host, &["rev-parse", "main^{tree}"]);
    fs::write(place.folder.path().join("entry"), format!("040000 tree {tree}\t.git\n")).unwrap();
    let made = Command::new("sh").current_dir(&host).args(["-c", "git mktree < ../entry"]).output().unwrap();
    let ill = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let ill = git(&host, &["commit-tree", &ill, "-m", "ill"]);
    git(&host, &["update-ref", "refs/heads/ill", &ill]);
    let newer = place.push("work");
    assert_ne!(newer, before);
    let ours = place.ours.get(&place.app).unwrap();
    let (came, withheld) = place.remote().fetch_what_can_be(&ours, &["ill", "main", "work"]);
    assert_eq!(came, ["main", "work"]);
    let why = withheld.unwrap().to_string();
    assert!(why.starts_with("ill: ") && why.contains("hasDotgit"), "{why}");
    assert_eq!((place.tip("ill"), place.tip("main"), place.tip("work")), (None, Some(good), Some(newer)));
}
