//! What the store does with the files it is given: modes, refusals that change nothing, damage.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tidegate_store::{Reader, Store, StoreError};

use crate::fixtures::*;

/// Name and bytes of the files of a directory, without the shared memory, which is rebuilt from the log.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let kept = files.filter(|path| !path.to_string_lossy().ends_with("-shm"));
    // SQLite leaves an empty log beside a database it could only read.
    kept.map(|path| (path.clone(), fs::read(&path).unwrap())).filter(|(_, bytes)| !bytes.is_empty()).collect()
}

/// Opens what `spoil` leaves of a good store and checks that nothing but a refusal comes of it.
fn refusal_after(spoil: impl FnOnce(&Path)) -> StoreError {
    let mut on_disk = OnDisk::new();
    for number in 0..100 {
        on_disk.store.transaction(|tx| put_service(tx, &format!("web-{number}"))).unwrap();
    }
    let OnDisk { directory, store } = on_disk;
    drop(store);
    let path = directory.path().join("tidegate.db");
    spoil(&path);
    let before = contents(directory.path());
    let refusal = Store::open(&path).unwrap_err();
    assert_eq!(contents(directory.path()), before, "{refusal}");
    refusal
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn only_the_owner_can_read_it() {
    let mut on_disk = OnDisk::new();
    on_disk.store.transaction(|tx| put_service(tx, "web")).unwrap();
    for file in ["tidegate.db", "tidegate.db-wal", "tidegate.db-shm"] {
        let mode = fs::metadata(on_disk.directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let path = on_disk.directory.path().join("tidegate.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let on_disk = on_disk.reopened();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(on_disk.store.services().unwrap().len(), 1);
}

#[test]
fn a_file_that_is_no_database_is_foreign() {
    let refusal = refusal_after(|path| fs::write(path, "name: shop\n".repeat(100)).unwrap());
    assert!(matches!(refusal, StoreError::Foreign { .. }), "{refusal}");
    let refusal = refusal_after(|path| fs::write(path, "x").unwrap());
    assert!(matches!(refusal, StoreError::Foreign { .. }), "{refusal}");
}

#[test]
fn a_database_of_another_program_is_foreign() {
    let refusal = refusal_after(|path| {
        fs::remove_file(path).unwrap();
        let other = Connection::open(path).unwrap();
        other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER);").unwrap();
    });
    assert!(matches!(refusal, StoreError::Foreign { .. }), "{refusal}");
}

#[test]
fn a_newer_schema_is_refused() {
    let refusal = refusal_after(|path| {
        Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
    assert!(matches!(refusal, StoreError::TooNew { found: 99, .. }), "{refusal}");
}

#[test]
fn a_newer_schema_that_is_only_in_the_log_is_refused() {
    let refusal = refusal_after(|path| {
        let scratch = tempfile::tempdir().unwrap();
        let copy = scratch.path().join("tidegate.db");
        fs::copy(path, &copy).unwrap();
        let newer = Connection::open(&copy).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        // As a kill would leave it: the log not yet moved into the file.
        fs::copy(scratch.path().join("tidegate.db-wal"), path.with_extension("db-wal")).unwrap();
    });
    assert!(matches!(refusal, StoreError::TooNew { found: 99, .. }), "{refusal}");
}

#[test]
fn a_torn_file_is_damaged() {
    for length in [0, 16, 60, 4_096, 10_000] {
        let refusal = refusal_after(|path| edit(path, |bytes| bytes.truncate(length)));
        assert!(matches!(refusal, StoreError::Damaged { .. }), "{length}: {refusal}");
        assert!(refusal.to_string().contains("restore a backup"), "{refusal}");
    }
}

#[test]
fn overwritten_pages_are_damage() {
    let refusal = refusal_after(|path| edit(path, |bytes| bytes[4_096..].fill(0x5a)));
    assert!(matches!(refusal, StoreError::Damaged { .. }), "{refusal}");
}

#[test]
fn a_log_without_its_database_is_damage() {
    let refusal = refusal_after(|path| fs::rename(path, path.with_extension("db-wal")).unwrap());
    assert!(matches!(refusal, StoreError::Damaged { .. }), "{refusal}");
}

#[test]
fn an_interrupted_creation_is_begun_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tidegate.db");
    fs::write(directory.path().join("tidegate.db.new"), "half").unwrap();
    let mut store = Store::open(&path).unwrap();
    store.transaction(|tx| put_service(tx, "web")).unwrap();
    assert!(!directory.path().join("tidegate.db.new").exists());
    assert_eq!(Reader::open(&path).unwrap().services().unwrap().len(), 1);
}

#[test]
fn a_place_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("no/such/place/tidegate.db");
    let refusal = Store::open(&missing).unwrap_err();
    assert!(matches!(refusal, StoreError::File { .. }), "{refusal}");
    assert!(refusal.to_string().contains("no/such/place"), "{refusal}");
    assert!(Store::open(directory.path()).is_err());
}

#[test]
fn damage_done_while_it_is_in_use_is_told_and_not_tried_again() {
    let mut on_disk = OnDisk::new();
    on_disk.store.transaction(|tx| put_service(tx, "web")).unwrap();
    assert!(on_disk.store.checkpoint().unwrap().complete);
    let path = on_disk.directory.path().join("tidegate.db");
    let length = fs::metadata(&path).unwrap().len() as usize;
    // In place, as a failing disk would: the same file, other bytes.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0x5a; length - 4_096], 4_096).unwrap();
    let failure = Reader::open(&path).unwrap().services().unwrap_err();
    assert!(matches!(failure, StoreError::Corrupt(_)), "{failure:?}");
    assert!(!failure.is_transient());
}
