//! The audit log: no change without its entry, no entry without its change, and nothing that was written is changed.

use rusqlite::Connection;
use tidegate_core::access::{Action, Caller, Who};
use tidegate_core::audit::{Deed, How, Link, Outcome, verify};
use tidegate_core::event::Event;
use tidegate_store::{EventFilter, Store, StoreError};

use crate::fixtures::*;

fn scale(instances: u32) -> Deed {
    Deed::new(Action::Operate, "scale").by(&Caller::owner(1_000)).with("instances", instances)
}

fn commands(store: &Store) -> Vec<String> {
    let links = store.audit_links(0, 1_000).unwrap();
    links.iter().map(|link| link.entry().unwrap().deed.command).collect()
}

fn whole(store: &Store) -> Result<u64, How> {
    let links: Vec<Link> = store.audit_links(0, 5_000).unwrap();
    verify(&store.installation().unwrap(), links, &[]).map(|known| known.last).map_err(|broken| broken.how)
}

#[test]
fn what_is_announced_is_entered_once_with_the_first_change() {
    let mut store = Store::in_memory().unwrap();
    store.announce(scale(3), 7);
    store
        .transaction(|tx| {
            tx.changes(Some("auto"), Some("3"));
            put_service(tx, "web")
        })
        .unwrap();
    store.transaction(|tx| put_service(tx, "worker")).unwrap();
    assert!(store.announced_is_over());
    store.transaction(|tx| put_service(tx, "mail")).unwrap();
    let links = store.audit_links(0, 9).unwrap();
    assert_eq!(links.len(), 1);
    let entry = links[0].entry().unwrap();
    assert_eq!((entry.seq, entry.at_ms, &entry.deed.who), (1, 7, &Some(Who::Owner)));
    assert_eq!((entry.deed.before.as_deref(), entry.deed.after.as_deref()), (Some("auto"), Some("3")));
    assert!(!store.announced_is_over(), "once");
}

#[test]
fn a_change_that_fails_leaves_no_entry_and_one_that_cannot_be_entered_is_not_made() {
    let mut store = Store::in_memory().unwrap();
    store.announce(scale(3), 7);
    let failed = store.transaction(|tx| {
        put_service(tx, "web")?;
        tx.changes(None, Some("not so"));
        Err::<(), _>(StoreError::Conflict("no".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!((store.services().unwrap().len(), commands(&store).len()), (0, 0));
    store.transaction(|tx| put_service(tx, "web")).unwrap();
    let entry = store.audit_link(1).unwrap().unwrap().entry().unwrap();
    assert_eq!(entry.deed.after, None, "what failed is not told");
    assert!(store.announced_is_over());
    let mut on_disk = OnDisk::new();
    let path = on_disk.directory.path().join("tidegate.db");
    Connection::open(&path).unwrap().execute_batch("DROP TABLE audit").unwrap();
    on_disk.store.announce(scale(3), 7);
    assert!(on_disk.store.transaction(|tx| put_service(tx, "web")).is_err());
    assert_eq!(on_disk.store.services().unwrap().len(), 0, "no change without its entry");
}

#[test]
fn what_stands_for_itself_comes_before_what_was_announced() {
    let mut store = Store::in_memory().unwrap();
    store.announce(scale(3), 7);
    let glass = Deed::new(Action::BreakGlass, "break-glass");
    store.transaction(|tx| tx.audit_besides(glass, 7).map(drop)).unwrap();
    assert_eq!(commands(&store), ["break-glass"]);
    let entry = store.audit_link(1).unwrap().unwrap().entry().unwrap();
    assert_eq!(entry.deed.who, Some(Who::Owner), "whoever has announced something");
    store.transaction(|tx| put_service(tx, "web")).unwrap();
    assert_eq!(commands(&store), ["break-glass", "scale"]);
    let refused = scale(4).ended(Outcome::Failed { code: "store::disk-full".to_owned() });
    assert!(store.announced_is_over());
    store.transaction(|tx| tx.audit(refused, 8).map(drop)).unwrap();
    assert_eq!(whole(&store), Ok(3));
}

#[test]
fn what_tidegate_does_by_itself_is_entered_and_what_somebody_asked_for_is_not_its_own() {
    let mut store = Store::in_memory().unwrap();
    let killed = Event::about("shop", "production", "flag.killed", "new-cart was turned off");
    let ready = Event::about("shop", "production", "instance.ready", "web-1 is ready");
    store.transaction(|tx| tx.event(&killed, 1).and_then(|_| tx.event(&ready, 2))).unwrap();
    assert_eq!(commands(&store), ["flag.killed"]);
    assert_eq!(store.audit_link(1).unwrap().unwrap().entry().unwrap().deed.who, None);
    store.announce(scale(1), 3);
    store.transaction(|tx| tx.event(&killed, 3)).unwrap();
    store.transaction(|tx| tx.event(&killed, 4)).unwrap();
    store.announced_is_over();
    assert_eq!(commands(&store), ["flag.killed", "scale"]);
    assert_eq!(store.events(0, &EventFilter::default(), 9).unwrap().len(), 4);
}

#[test]
fn nothing_that_was_written_is_changed_and_who_does_so_all_the_same_is_found() {
    let mut on_disk = OnDisk::new();
    for n in 1..=6 {
        on_disk.store.transaction(|tx| tx.audit(scale(n), 7).map(drop)).unwrap();
    }
    let path = on_disk.directory.path().join("tidegate.db");
    let other = Connection::open(&path).unwrap();
    for refused in [
        "UPDATE audit SET body = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 6",
        "INSERT INTO audit VALUES (9, '{}', '')",
        "INSERT OR REPLACE INTO audit VALUES (3, '{}', '')",
    ] {
        assert!(other.execute(refused, []).is_err(), "{refused}");
    }
    assert_eq!(whole(&on_disk.store), Ok(6));
    let known = on_disk.store.audit_anchor(0).unwrap();
    other.execute_batch("DROP TRIGGER audit_stays; DROP TRIGGER audit_keeps").unwrap();
    other.execute("UPDATE audit SET seq = 90 WHERE seq = 3", []).unwrap();
    other.execute("UPDATE audit SET seq = 3 WHERE seq = 4", []).unwrap();
    other.execute("UPDATE audit SET seq = 4 WHERE seq = 90", []).unwrap();
    assert_eq!(whole(&on_disk.store), Err(How::Swapped { with: 4 }));
    other.execute("UPDATE audit SET body = replace(body, '\"2\"', '\"9\"') WHERE seq = 2", []).unwrap();
    assert_eq!(whole(&on_disk.store), Err(How::Altered));
    other.execute("DELETE FROM audit WHERE seq > 1", []).unwrap();
    assert_eq!(whole(&on_disk.store), Ok(1), "the chain alone does not know its end");
    let links = on_disk.store.audit_links(0, 9).unwrap();
    let broken = verify(&on_disk.store.installation().unwrap(), links, &[known]).unwrap_err();
    assert_eq!((broken.seq, broken.how), (2, How::Cut { known: 6 }));
}

#[test]
fn each_installation_has_a_chain_of_its_own_which_a_restart_goes_on_with() {
    let mut on_disk = OnDisk::new();
    let installation = on_disk.store.installation().unwrap();
    assert_eq!(installation.len(), 32);
    assert_ne!(installation, OnDisk::new().store.installation().unwrap());
    on_disk.store.transaction(|tx| tx.audit(scale(1), 7).map(drop)).unwrap();
    let mut on_disk = on_disk.reopened();
    assert_eq!(on_disk.store.installation().unwrap(), installation);
    on_disk.store.transaction(|tx| tx.audit(scale(2), 8).map(drop)).unwrap();
    assert_eq!(whole(&on_disk.store), Ok(2));
    let before: Vec<u64> =
        on_disk.store.audit_links_before(3, 9).unwrap().into_iter().map(|link| link.seq).collect();
    assert_eq!(before, [2, 1]);
}
