//! A full disk refuses writes, loses nothing, and the same store works once there is space again.

use std::fs;
use std::path::Path;
use std::process::Command;

use tidegate_store::{EventFilter, Store, StoreError};

use crate::fixtures::*;

/// A file system of two MiB, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount() -> Option<SmallDisk> {
        let at = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at.path()).output();
        mount.is_ok_and(|done| done.status.success()).then(|| SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn record(store: &mut Store) -> Result<u64, StoreError> {
    store.transaction(|tx| {
        tx.push_action(&"x".repeat(20_000))?;
        tx.event(&event("web", "more"), 1)
    })
}

/// Writes until it is refused; how many were kept.
fn record_until_full(store: &mut Store) -> u64 {
    for kept in 0..1_000 {
        match record(store) {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, StoreError::DiskFull), "{error:?}");
                assert!(error.is_transient());
                return kept;
            }
        }
    }
    panic!("it never got full");
}

fn check(store: &Store, kept: u64) {
    assert_eq!(store.latest_seq().unwrap(), kept);
    assert_eq!(store.outbox::<String>().unwrap().len() as u64, kept);
    assert_eq!(store.events(0, &EventFilter::default(), 10_000).unwrap().len() as u64, kept);
}

fn fill_and_free(disk: &Path) {
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 1024 * 1024]).unwrap();
    let path = disk.join("tidegate.db");
    let mut store = Store::open(&path).unwrap();
    let kept = record_until_full(&mut store);
    assert!(kept > 0);
    check(&store, kept);
    assert!(matches!(record(&mut store), Err(StoreError::DiskFull)), "still full");
    fs::remove_file(&ballast).unwrap();
    for _ in 0..5 {
        record(&mut store).unwrap();
    }
    check(&store, kept + 5);
    drop(store);
    check(&Store::open(&path).unwrap(), kept + 5);
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!(
            "skipped: this process may not mount a file system; the unit test with a page limit stands in"
        );
        return;
    };
    fill_and_free(disk.0.path());
}

#[test]
fn no_store_is_made_on_a_full_disk_and_none_is_left_behind() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this process may not mount a file system");
        return;
    };
    let ballast = disk.0.path().join("ballast");
    assert!(fs::write(&ballast, vec![0; 4 * 1024 * 1024]).is_err(), "the disk is smaller than that");
    let path = disk.0.path().join("tidegate.db");
    assert!(matches!(Store::open(&path), Err(StoreError::DiskFull)));
    assert!(!path.exists());
    fs::remove_file(&ballast).unwrap();
    record(&mut Store::open(&path).unwrap()).unwrap();
}
