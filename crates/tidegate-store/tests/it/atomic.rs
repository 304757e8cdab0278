//! A transaction is kept whole or not at all; what contradicts the store is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tidegate_core::model::*;
use tidegate_core::time::Moment;
use tidegate_store::{ClockAnchor, Counter, Store, StoreError};

use crate::fixtures::*;

fn assert_empty_and_usable(store: &mut Store) {
    assert!(store.services().unwrap().is_empty());
    assert!(store.outbox::<String>().unwrap().is_empty());
    assert_eq!(store.latest_seq().unwrap(), 0);
    assert_eq!(store.transaction(|tx| tx.next_id(Counter::Instance)).unwrap(), 1);
}

fn half_a_change(tx: &tidegate_store::Tx<'_>) -> Result<(), StoreError> {
    put_service(tx, "web")?;
    tx.next_id(Counter::Instance)?;
    tx.event(&event("web", "it began"), 1)?;
    tx.push_action(&"start").map(drop)
}

#[test]
fn an_error_inside_keeps_nothing() {
    let mut on_disk = OnDisk::new();
    let outcome: Result<(), _> = on_disk.store.transaction(|tx| {
        half_a_change(tx)?;
        assert_eq!(tx.services()?.len(), 1, "a transaction reads what it wrote");
        Err(StoreError::Conflict("on purpose".to_owned()))
    });
    assert_eq!(outcome.unwrap_err().to_string(), "on purpose");
    assert_empty_and_usable(&mut on_disk.store);
}

#[test]
fn a_panic_inside_keeps_nothing() {
    let mut on_disk = OnDisk::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        on_disk.store.transaction(|tx| -> Result<(), StoreError> {
            half_a_change(tx)?;
            panic!("on purpose");
        })
    }));
    assert!(outcome.is_err());
    assert_empty_and_usable(&mut on_disk.store);
}

#[test]
fn a_name_of_what_is_not_stored_is_refused() {
    let mut store = Store::in_memory().unwrap();
    let of_service = store.transaction(|tx| tx.put_instance(&key("web"), &instance("web-1")));
    assert!(matches!(of_service, Err(StoreError::Conflict(_))), "{of_service:?}");
    let of_build = store.transaction(|tx| {
        half_a_change(tx)?;
        tx.put_revision(&revision(1, "gone", "hello"))
    });
    assert!(matches!(of_build, Err(StoreError::Conflict(_))), "{of_build:?}");
    assert_empty_and_usable(&mut store);
}

#[test]
fn a_revision_never_changes() {
    let mut store = Store::in_memory().unwrap();
    let first = revision(1, "b", "hello");
    store
        .transaction(|tx| {
            tx.put_build(&build("b"))?;
            tx.put_revision(&first)?;
            tx.put_revision(&first)
        })
        .unwrap();
    let same_number = Revision { digest: "other".to_owned(), ..first.clone() };
    let same_digest = Revision { number: RevisionNo(2), ..first.clone() };
    for other in [same_number, same_digest] {
        let outcome = store.transaction(|tx| tx.put_revision(&other));
        assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
    }
    assert_eq!(store.revisions_of(&first.app, &first.environment).unwrap(), [first]);
}

#[test]
fn a_routing_epoch_and_the_clock_never_go_back() {
    let mut store = Store::in_memory().unwrap();
    let anchor = |moment| ClockAnchor { boot_id: "b".to_owned(), boot_ms: 0, moment: Moment(moment) };
    store
        .transaction(|tx| tx.put_routing(&routing(5)).and_then(|()| tx.set_clock_anchor(&anchor(5))))
        .unwrap();
    store
        .transaction(|tx| tx.put_routing(&routing(5)).and_then(|()| tx.set_clock_anchor(&anchor(5))))
        .unwrap();
    let other = RouteTable { epoch: 5, ..RouteTable::default() };
    for older in [routing(4), other] {
        assert!(matches!(store.transaction(|tx| tx.put_routing(&older)), Err(StoreError::Conflict(_))));
    }
    assert!(matches!(store.transaction(|tx| tx.set_clock_anchor(&anchor(4))), Err(StoreError::Conflict(_))));
    assert_eq!(store.routing().unwrap(), routing(5));
}

#[test]
fn a_row_beyond_all_measure_is_refused() {
    let mut store = Store::in_memory().unwrap();
    let outcome = store.transaction(|tx| tx.push_action(&"x".repeat(5 * 1024 * 1024)));
    assert!(matches!(outcome, Err(StoreError::TooLarge { table: "outbox", .. })), "{outcome:?}");
}

#[test]
fn a_row_that_does_not_read_names_its_place_and_not_its_value() {
    let mut store = Store::in_memory().unwrap();
    store.transaction(|tx| tx.push_action(&"hunter2")).unwrap();
    let message = store.outbox::<u64>().unwrap_err().to_string();
    assert!(message.contains("outbox") && !message.contains("hunter2"), "{message}");
}
