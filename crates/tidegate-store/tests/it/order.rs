//! Outbox and events come in the order they were written, and their numbers only grow.

use tidegate_core::event::Event;
use tidegate_store::{EVENTS_KEPT, EventFilter, Store};

use crate::fixtures::*;

fn messages(store: &Store, after: u64, filter: &EventFilter, most: usize) -> Vec<String> {
    store.events(after, filter, most).unwrap().into_iter().map(|found| found.event.message).collect()
}

#[test]
fn the_outbox_keeps_its_order_and_never_reuses_a_number() {
    let mut on_disk = OnDisk::new();
    let push = |text: &'static str| move |tx: &tidegate_store::Tx<'_>| tx.push_action(&text);
    let first = on_disk.store.transaction(push("start")).unwrap();
    let second = on_disk.store.transaction(push("route")).unwrap();
    assert!(second > first);
    let outbox = on_disk.store.outbox::<String>().unwrap();
    assert_eq!(outbox, [(first, "start".to_owned()), (second, "route".to_owned())]);
    on_disk.store.transaction(|tx| tx.done(first).and_then(|()| tx.done(second))).unwrap();
    let mut on_disk = on_disk.reopened();
    assert!(on_disk.store.outbox::<String>().unwrap().is_empty());
    assert!(on_disk.store.transaction(push("stop")).unwrap() > second);
}

#[test]
fn events_come_after_a_number_by_filter_and_in_pages() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            for (service, message) in [("web", "one"), ("worker", "two"), ("web", "three")] {
                tx.event(&event(service, message), 5)?;
            }
            tx.event(&Event::about("blog", "staging", "build.failed", "four"), 6)?;
            tx.event(&Event::platform("gateway.lost", "five"), 7)
        })
        .unwrap();
    let all = EventFilter::default();
    let web = EventFilter { service: Some("web".to_owned()), ..all.clone() };
    let shop = EventFilter { app: Some("shop".to_owned()), ..all.clone() };
    let staging = EventFilter { environment: Some("staging".to_owned()), ..all.clone() };
    assert_eq!(messages(&store, 0, &all, 100), ["one", "two", "three", "four", "five"]);
    assert_eq!(messages(&store, 2, &all, 2), ["three", "four"]);
    assert_eq!(messages(&store, 0, &web, 100), ["one", "three"]);
    assert_eq!(messages(&store, 1, &shop, 100), ["two", "three"]);
    assert_eq!(messages(&store, 0, &staging, 100), ["four"]);
    let last = store.last_events(&all, 2).unwrap();
    assert_eq!(last.iter().map(|found| found.seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(store.latest_seq().unwrap(), 5);
}

#[test]
fn events_are_capped_and_a_long_message_is_cut() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            for _ in 0..EVENTS_KEPT + 3 {
                tx.event(&event("web", "again"), 1)?;
            }
            tx.event(&event("web", &"ä".repeat(9_000)), 1)
        })
        .unwrap();
    assert_eq!(store.latest_seq().unwrap(), EVENTS_KEPT + 4);
    let oldest = &store.events(0, &EventFilter::default(), 1).unwrap()[0];
    assert_eq!(oldest.seq, 5);
    let newest = &store.last_events(&EventFilter::default(), 1).unwrap()[0];
    assert_eq!(newest.event.message.chars().count(), 4_001);
}
