//! A copy of the store while it is written to.

use std::os::unix::fs::PermissionsExt;

use tidegate_core::event::Event;
use tidegate_store::{EventFilter, Store, StoreError};

use crate::fixtures::*;

#[test]
fn a_copy_is_the_store_at_one_moment_and_opens_as_one() {
    let mut on_disk = OnDisk::new();
    let event = Event::platform("test", "before");
    on_disk.store.transaction(|tx| tx.event(&event, 1)).unwrap();
    let to = on_disk.directory.path().join("copy.db");
    let reader = on_disk.store.reader().unwrap();
    reader.copy_to(&to).unwrap();
    on_disk.store.transaction(|tx| tx.event(&Event::platform("test", "after"), 2)).unwrap();
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(reader.copy_to(&to), Err(StoreError::File { .. })), "nothing is written over");
    let copy = Store::open(&to).unwrap();
    let seen = copy.last_events(&EventFilter::default(), 10).unwrap();
    assert_eq!(seen.iter().map(|seen| seen.event.message.as_str()).collect::<Vec<_>>(), ["before"]);
    assert_eq!(copy.schema().unwrap(), on_disk.store.schema().unwrap());
}
