//! What belongs to a snapshot, and that it travels unchanged.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tidegate_control::snapshot::{Limits, every_file, pack, scan, source_of, tree_digest, unpack};

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn names(root: &Path) -> Vec<String> {
    scan(root).unwrap().entries.into_iter().map(|entry| entry.path).collect()
}

fn digest(root: &Path) -> String {
    tree_digest(root, &scan(root).unwrap().entries).unwrap()
}

fn git(root: &Path, args: &[&str]) {
    let ran = std::process::Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"])
        .args(args)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn ignored_files_git_and_env_files_stay_out() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, ".gitignore", "node_modules/\n*.log\n");
    write(root, "app.js", "1");
    write(root, "web/.gitignore", "secret.txt\n");
    write(root, "web/secret.txt", "s");
    write(root, "web/page.html", "p");
    for left_out in
        ["node_modules/x.js", "a.log", ".git/config", ".tidegate/tidegate.db", ".env", ".env.production"]
    {
        write(root, left_out, "no");
    }
    write(root, ".env.example", "A=");
    assert_eq!(names(root), [".env.example", ".gitignore", "app.js", "web/.gitignore", "web/page.html"]);
}

#[test]
fn the_digest_is_of_names_contents_and_executable_bits_and_of_nothing_else() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for root in [a.path(), b.path()] {
        write(root, "x/run.sh", "echo");
        write(root, "y", "1");
        symlink("x/run.sh", root.join("link")).unwrap();
    }
    let first = digest(a.path());
    assert_eq!(first, digest(b.path()));
    fs::set_permissions(b.path().join("x/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(first, digest(b.path()));
    fs::set_permissions(b.path().join("x/run.sh"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(first, digest(b.path()));
    write(b.path(), "y", "2");
    assert_ne!(first, digest(b.path()));
}

#[test]
fn a_snapshot_travels_unchanged() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(from.path(), "deep/er/file", &"x".repeat(100_000));
    write(from.path(), &format!("{}/long-name", "d".repeat(120)), "long");
    write(from.path(), "run", "#!/bin/sh");
    fs::set_permissions(from.path().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("deep/er", from.path().join("link")).unwrap();
    let snapshot = scan(from.path()).unwrap();
    let mut archive = Vec::new();
    pack(&snapshot, &mut archive).unwrap();
    unpack(archive.as_slice(), to.path(), Limits::default()).unwrap();
    let arrived = every_file(to.path()).unwrap();
    assert_eq!(snapshot.entries, arrived);
    assert_eq!(digest(from.path()), tree_digest(to.path(), &arrived).unwrap());
}

#[test]
fn git_tells_the_commit_and_whether_files_differ_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert_eq!(source_of(root).commit, None);
    write(root, "app.js", "1");
    git(root, &["init", "-q"]);
    git(root, &["add", "."]);
    git(root, &["commit", "-q", "-m", "one"]);
    let clean = source_of(root);
    assert!(clean.commit.as_ref().is_some_and(|commit| commit.len() == 40) && !clean.dirty);
    write(root, "app.js", "2");
    assert!(source_of(root).dirty);
}
