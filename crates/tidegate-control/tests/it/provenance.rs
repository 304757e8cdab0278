//! Sealed builds on a real disk: what is kept of them, and every way in which their files can become others.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use tidegate_control::provenance::look;
use tidegate_control::seams::{Inspection, Step, Workshop};
use tidegate_control::workshop::{DirWorkshop, remove_tree};
use tidegate_core::model::BuildId;
use tidegate_core::provenance::Sealed;

use crate::workshop::{made, snapshot, wait, workshop};

const LOCK: &str = "[[package]]\nname = \"libc\"\nversion = \"0.2.150\"\nsource = \"registry+x\"\n";

/// A build of a snapshot with a manifest, a lock file and a link.
fn sealed(data: &Path) -> (DirWorkshop, BuildId, Sealed) {
    snapshot(data, "s1");
    let dir = DirWorkshop::snapshot_dir(data, "s1");
    fs::write(dir.join("tidegate.yaml"), "app: shop\n").unwrap();
    fs::write(dir.join("Cargo.lock"), LOCK).unwrap();
    fs::write(dir.join("sub/poetry.lock"), "[[").unwrap();
    symlink("sub/file", dir.join("current")).unwrap();
    let (mut workshop, build) = (workshop(data), BuildId("b1".to_owned()));
    workshop.unpack(&build, "s1");
    assert_eq!(wait(&mut workshop, &build), Step::Unpacked);
    workshop.seal(&made(&build));
    let Step::Sealed { found, .. } = wait(&mut workshop, &build) else { panic!("not sealed") };
    (workshop, build, found)
}

fn inspected(workshop: &mut DirWorkshop, build: &BuildId, subject: &str) -> Inspection {
    let until = Instant::now() + Duration::from_secs(20);
    workshop.inspect(build, subject);
    loop {
        if let Some(seen) = workshop.inspected(build) {
            return seen;
        }
        assert!(Instant::now() < until, "the look does not end");
        std::thread::yield_now();
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn sealing_says_what_the_build_is_and_what_it_is_made_of() {
    let data = tempfile::tempdir().unwrap();
    let (mut workshop, build, found) = sealed(data.path());
    assert_eq!(look(&workshop.dir(&build)).unwrap().digest, found.subject);
    assert_eq!(found.manifest.unwrap().0, "tidegate.yaml");
    assert_eq!(found.notes, ["sub/poetry.lock is no TOML"]);
    let kept = data.path().join("provenance/b1");
    let document = fs::read_to_string(kept.join("sbom.cdx.json")).unwrap();
    assert!(document.contains("pkg:cargo/libc@0.2.150"), "{document}");
    assert_eq!(inspected(&mut workshop, &build, &found.subject).problems, Vec::<String>::new());
    workshop.discard(&build, None);
    assert!(!kept.exists());
}

#[test]
fn every_change_of_a_sealed_build_is_found_and_named() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 8] = [
        ("`sub/file` has other contents", |dir| {
            mode(&dir.join("sub/file"), 0o644);
            fs::write(dir.join("sub/file"), "altered").unwrap();
            mode(&dir.join("sub/file"), 0o444);
        }),
        ("`extra` was added", |dir| {
            fs::write(dir.join("extra"), "").unwrap();
            mode(&dir.join("extra"), 0o444);
        }),
        ("`empty` was added", |dir| {
            fs::create_dir(dir.join("empty")).unwrap();
            mode(&dir.join("empty"), 0o555);
        }),
        ("`run` is gone", |dir| fs::remove_file(dir.join("run")).unwrap()),
        ("`run` has another mode: it cannot be executed any more", |dir| mode(&dir.join("run"), 0o444)),
        ("`current` leads elsewhere", |dir| {
            fs::remove_file(dir.join("current")).unwrap();
            symlink("run", dir.join("current")).unwrap();
        }),
        ("`current` was a link and is a file", |dir| {
            fs::remove_file(dir.join("current")).unwrap();
            fs::write(dir.join("current"), "content").unwrap();
            mode(&dir.join("current"), 0o444);
        }),
        ("`run` had another mode: nobody may write to a build", |dir| mode(&dir.join("run"), 0o4755)),
    ];
    for (told, change) in changes {
        let data = tempfile::tempdir().unwrap();
        let (mut workshop, build, found) = sealed(data.path());
        let dir = workshop.dir(&build);
        mode(&dir, 0o755);
        change(&dir);
        mode(&dir, 0o555);
        let problems = inspected(&mut workshop, &build, &found.subject).problems;
        assert!(problems.len() == 1 && problems[0].contains(told), "{told}: {problems:?}");
        remove_tree(data.path()).unwrap();
    }
}

#[test]
fn a_listing_that_was_changed_as_well_hides_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (mut workshop, build, found) = sealed(data.path());
    fs::write(data.path().join("provenance/b1/listing"), "").unwrap();
    let other = "0".repeat(64);
    for subject in [&found.subject, &other] {
        let problems = inspected(&mut workshop, &build, subject).problems;
        assert_eq!(problems.is_empty(), *subject == found.subject, "{problems:?}");
    }
    remove_tree(&workshop.dir(&build)).unwrap();
    assert!(inspected(&mut workshop, &build, &found.subject).problems[0].contains("cannot be read"));
}
