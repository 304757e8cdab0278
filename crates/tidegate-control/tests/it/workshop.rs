//! Builds as directories: clean copies, sealed read-only, done again after a kill.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_control::seams::{Step, Workshop};
use tidegate_control::workshop::{DirWorkshop, remove_tree};
use tidegate_core::model::{Build, BuildId, BuildPhase, BuildSource};

pub fn workshop(data: &Path) -> DirWorkshop {
    DirWorkshop::new(data, None, Arc::new(|| {})).unwrap()
}

pub fn snapshot(data: &Path, digest: &str) {
    let dir = DirWorkshop::snapshot_dir(data, digest);
    fs::create_dir_all(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/file"), "content").unwrap();
    fs::write(dir.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// A build of that snapshot, being sealed.
pub fn made(id: &BuildId) -> Build {
    Build {
        id: id.clone(),
        app: "shop".parse().unwrap(),
        snapshot: "s1".to_owned(),
        run: None,
        within_ms: 1_000,
        phase: BuildPhase::Sealing,
        content: None,
        size: 0,
        source: BuildSource::default(),
        made_at_unix_ms: 1,
    }
}

pub fn wait(workshop: &mut DirWorkshop, build: &BuildId) -> Step {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match workshop.step(build) {
            Step::Busy => assert!(Instant::now() < until, "the step does not end"),
            step => return step,
        }
        std::thread::yield_now();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_sealed_build_is_read_only_for_everyone_and_the_same_input_seals_to_the_same_digest() {
    let data = tempfile::tempdir().unwrap();
    snapshot(data.path(), "s1");
    let mut workshop = workshop(data.path());
    let mut contents = BTreeSet::new();
    for name in ["b1", "b2"] {
        let build = BuildId(name.to_owned());
        workshop.unpack(&build, "s1");
        assert_eq!(wait(&mut workshop, &build), Step::Unpacked);
        workshop.seal(&made(&build));
        let Step::Sealed { content, size, .. } = wait(&mut workshop, &build) else { panic!("not sealed") };
        contents.insert(content);
        assert_eq!(size, 7 + 10);
        let dir = workshop.dir(&build);
        // Root lets in whom it starts there, and nobody else.
        let top = if tidegate_os::process::is_root() { 0o500 } else { 0o555 };
        assert_eq!((mode(&dir), mode(&dir.join("sub"))), (top, 0o555));
        assert_eq!((mode(&dir.join("sub/file")), mode(&dir.join("run"))), (0o444, 0o555));
    }
    assert_eq!(contents.len(), 1);
    remove_tree(data.path()).unwrap();
}

#[test]
fn what_an_earlier_try_left_is_cleared_away_first() {
    let data = tempfile::tempdir().unwrap();
    snapshot(data.path(), "s1");
    let build = BuildId("b1".to_owned());
    let mut first = workshop(data.path());
    fs::create_dir_all(first.dir(&build).join("half")).unwrap();
    fs::set_permissions(first.dir(&build), fs::Permissions::from_mode(0o555)).unwrap();
    first.unpack(&build, "s1");
    assert_eq!(wait(&mut first, &build), Step::Unpacked);
    assert!(!first.dir(&build).join("half").exists());
    // Sealing begun again by another control plane gives the same result.
    first.seal(&made(&build));
    let sealed = wait(&mut first, &build);
    let mut second = workshop(data.path());
    assert_eq!(second.step(&build), Step::Idle);
    second.seal(&made(&build));
    assert_eq!(wait(&mut second, &build), sealed);
    remove_tree(data.path()).unwrap();
}

#[test]
fn a_snapshot_that_is_gone_is_a_failure_that_says_so() {
    let data = tempfile::tempdir().unwrap();
    let mut workshop = workshop(data.path());
    let build = BuildId("b1".to_owned());
    workshop.unpack(&build, "gone");
    assert!(matches!(wait(&mut workshop, &build), Step::Failed(reason) if reason.contains("snapshot")));
}

#[test]
fn a_thrown_away_build_can_be_made_again_at_once() {
    let data = tempfile::tempdir().unwrap();
    let build = BuildId("b1".to_owned());
    let mut workshop = workshop(data.path());
    for _ in 0..20 {
        snapshot(data.path(), "s1");
        workshop.unpack(&build, "s1");
        assert_eq!(wait(&mut workshop, &build), Step::Unpacked);
        workshop.discard(&build, Some("s1"));
        assert!(!workshop.dir(&build).exists());
        assert!(!DirWorkshop::snapshot_dir(data.path(), "s1").exists());
    }
    snapshot(data.path(), "s1");
    snapshot(data.path(), "s2");
    workshop.keep_snapshots(&BTreeSet::from(["s2".to_owned()]));
    assert!(!DirWorkshop::snapshot_dir(data.path(), "s1").exists());
    assert!(DirWorkshop::snapshot_dir(data.path(), "s2").exists());
}

#[test]
fn nobody_else_reads_snapshots_or_lists_builds() {
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("snapshots")).unwrap();
    workshop(data.path());
    assert_eq!(mode(&data.path().join("snapshots")), 0o700);
    assert_eq!(mode(&data.path().join("builds")), 0o711);
}

/// Only root can meet files of others in a build; elsewhere the kernel's own rules keep them out.
#[test]
fn a_file_of_somebody_else_in_a_build_is_not_touched() {
    if !tidegate_os::process::is_root() {
        println!("skipped: needs root");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    snapshot(data.path(), "s1");
    let mut workshop = DirWorkshop::new(data.path(), Some((65_534, 65_534)), Arc::new(|| {})).unwrap();
    let build = BuildId("b1".to_owned());
    workshop.unpack(&build, "s1");
    assert_eq!(wait(&mut workshop, &build), Step::Unpacked);
    let theirs = data.path().join("theirs");
    fs::write(&theirs, "secret").unwrap();
    std::os::unix::fs::chown(&theirs, Some(1_234), Some(1_234)).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&theirs, workshop.dir(&build).join("link")).unwrap();
    workshop.seal(&made(&build));
    assert!(matches!(wait(&mut workshop, &build), Step::Failed(reason) if reason.contains("1234")));
    assert_eq!(mode(&theirs), 0o600);
}

#[test]
fn a_folder_to_serve_is_within_the_build_or_said_to_be_missing() {
    let data = tempfile::tempdir().unwrap();
    snapshot(data.path(), "s1");
    let mut workshop = workshop(data.path());
    let build = BuildId("b1".to_owned());
    workshop.unpack(&build, "s1");
    assert_eq!(wait(&mut workshop, &build), Step::Unpacked);
    let dir = workshop.dir(&build);
    std::os::unix::fs::symlink(data.path(), dir.join("outside")).unwrap();
    std::os::unix::fs::symlink("sub", dir.join("inside")).unwrap();

    for folder in [".", "sub", "inside"] {
        assert_eq!(workshop.check_folder(&build, folder), Ok(()), "{folder}");
    }
    assert_eq!(workshop.check_file(&build, "sub/file"), Ok(()));
    for (folder, why) in [
        ("dist", "the build has no `dist`: is it what the build command makes?"),
        ("run", "`run` is not a folder"),
        ("outside", "`outside` is a link that leads out of the build"),
    ] {
        assert_eq!(workshop.check_folder(&build, folder), Err(why.to_owned()));
    }
    assert!(workshop.check_file(&build, "sub").is_err());
}
