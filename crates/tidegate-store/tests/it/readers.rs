//! Readers beside the writer.

use std::thread;

use tidegate_core::model::RolloutId;
use tidegate_store::{EventFilter, Reader, Store, StoreError};

use crate::fixtures::*;

#[test]
fn a_reader_sees_whole_transactions_and_no_open_one() {
    let mut on_disk = OnDisk::new();
    let reader = on_disk.store.reader().unwrap();
    on_disk
        .store
        .transaction(|tx| {
            put_service(tx, "web")?;
            assert!(reader.services()?.is_empty());
            Ok(())
        })
        .unwrap();
    assert_eq!(reader.services().unwrap().len(), 1);
}

#[test]
fn a_snapshot_does_not_change_while_it_is_read() {
    let mut on_disk = OnDisk::new();
    let reader = on_disk.store.reader().unwrap();
    let store = &mut on_disk.store;
    let counts = reader
        .snapshot(|reader| {
            let before = reader.services()?.len();
            store.transaction(|tx| put_service(tx, "web"))?;
            Ok((before, reader.services()?.len()))
        })
        .unwrap();
    assert_eq!(counts, (0, 0));
    assert_eq!(reader.services().unwrap().len(), 1);
    let inside = store.transaction(|tx| tx.snapshot(|reader| reader.services())).unwrap();
    assert_eq!(inside.len(), 1);
}

#[test]
fn readers_in_other_threads_never_see_a_half() {
    let mut on_disk = OnDisk::new();
    let path = on_disk.store.path().unwrap().to_owned();
    let watcher = thread::spawn(move || {
        let reader = Reader::open(&path).unwrap();
        let mut passes = 0;
        loop {
            let (events, actions) = reader
                .snapshot(|reader| {
                    Ok((
                        reader.events(0, &EventFilter::default(), 1_000)?.len(),
                        reader.outbox::<u64>()?.len(),
                    ))
                })
                .unwrap();
            assert_eq!(events, actions);
            passes += 1;
            if events == 50 {
                return passes;
            }
        }
    });
    for number in 0..50_u64 {
        let write = |tx: &tidegate_store::Tx<'_>| {
            tx.event(&event("web", "again"), 1)?;
            tx.push_action(&number)
        };
        on_disk.store.transaction(write).unwrap();
    }
    assert!(watcher.join().unwrap() > 0);
}

#[test]
fn a_reader_cannot_write_and_memory_has_no_other_connection() {
    assert!(matches!(Store::in_memory().unwrap().reader(), Err(StoreError::InMemory)));
    let on_disk = OnDisk::new();
    assert_eq!(Reader::open(on_disk.store.path().unwrap()).unwrap().rollout(RolloutId(1)).unwrap(), None);
    let missing = on_disk.directory.path().join("nothing.db");
    assert!(matches!(Reader::open(&missing), Err(StoreError::File { .. })));
    assert!(!missing.exists());
}

#[test]
fn a_checkpoint_empties_the_log_unless_a_reader_is_in_it() {
    let mut on_disk = OnDisk::new();
    let log = on_disk.directory.path().join("tidegate.db-wal");
    on_disk.store.transaction(|tx| put_service(tx, "web")).unwrap();
    let reader = on_disk.store.reader().unwrap();
    let store = &mut on_disk.store;
    let blocked = reader
        .snapshot(|reader| {
            reader.services()?;
            store.transaction(|tx| put_service(tx, "worker"))?;
            store.checkpoint()
        })
        .unwrap();
    assert!(!blocked.complete && log.metadata().unwrap().len() > 0);
    assert!(on_disk.store.checkpoint().unwrap().complete);
    assert_eq!(log.metadata().unwrap().len(), 0);
    assert_eq!(reader.services().unwrap().len(), 2);
}

#[test]
fn a_pass_that_changes_nothing_writes_nothing() {
    let mut on_disk = OnDisk::new();
    let log = on_disk.directory.path().join("tidegate.db-wal");
    let pass = |tx: &tidegate_store::Tx<'_>| {
        put_service(tx, "web")?;
        tx.put_instance(&key("web"), &instance("web-1"))?;
        tx.put_routing(&routing(1))
    };
    on_disk.store.transaction(pass).unwrap();
    let before = log.metadata().unwrap().len();
    on_disk.store.transaction(pass).unwrap();
    assert_eq!(log.metadata().unwrap().len(), before);
}
