//! What is sealed, and what that finds.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidegate_core::access::{Action, Caller, Origin, Who};
use tidegate_core::audit::{Anchor, Deed};
use tidegate_core::time::Moment;
use tidegate_store::{EventFilter, Store};

use super::call::Call;
use super::keeper::Keeper;
use super::seal::{FILE, KEY_FILE, Seal};
use super::standing::Standing;
use crate::engine::Time;

const NOW: Time = Time { now: Moment(5), unix_ms: 1_767_323_045_000 };

fn store_in(dir: &Path) -> Store {
    Store::open(&dir.join("tidegate.db")).unwrap()
}

fn begun(dir: &Path, store: &mut Store) -> (Keeper, Standing) {
    let standing = Standing::default();
    (Keeper::begin(dir, store, NOW, standing.clone()).unwrap(), standing)
}

fn add(store: &mut Store, entries: u64) {
    for n in 0..entries {
        let deed = Deed::new(Action::Operate, "scale").with("instances", n);
        store.transaction(|tx| tx.audit(deed, NOW.unix_ms).map(drop)).unwrap();
    }
}

fn cut(dir: &Path, after: u64) {
    let other = rusqlite_of(dir);
    other.execute_batch("DROP TRIGGER audit_keeps").unwrap();
    other.execute("DELETE FROM audit WHERE seq > ?1", [after as i64]).unwrap();
}

/// Somebody else with a pen in the database.
fn rusqlite_of(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("tidegate.db")).unwrap()
}

#[test]
fn what_is_sealed_is_read_again_and_nobody_else_can_seal() {
    let dir = TempDir::new().unwrap();
    let seal = Seal::of(dir.path()).unwrap();
    assert_eq!(seal.read().unwrap(), None);
    let anchor = Anchor::of_nothing("0123", 7);
    seal.write(&anchor).unwrap();
    assert_eq!(Seal::of(dir.path()).unwrap().read().unwrap(), Some(anchor));
    let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
    for forged in [text.replace("\"seq\":0", "\"seq\":1"), text.replace("0123", "0124"), String::new()] {
        fs::write(dir.path().join(FILE), forged).unwrap();
        assert!(seal.read().is_err());
    }
    fs::write(dir.path().join(KEY_FILE), "short").unwrap();
    assert!(Seal::of(dir.path()).is_err());
    assert_eq!(format!("{seal:?}"), "Seal(…)");
}

#[test]
fn a_file_that_is_behind_after_a_kill_is_brought_up() {
    let dir = TempDir::new().unwrap();
    let mut store = store_in(dir.path());
    let (keeper, _) = begun(dir.path(), &mut store);
    drop(keeper);
    add(&mut store, 3);
    let (_, standing) = begun(dir.path(), &mut store);
    let known = standing.known();
    assert_eq!((known.trouble, known.sealed.map(|anchor| anchor.seq)), (None, Some(5)), "up, 3, up");
}

#[test]
fn a_log_that_was_cut_is_found_at_the_start_and_the_file_stays_as_it_is() {
    let dir = TempDir::new().unwrap();
    let mut store = store_in(dir.path());
    let (mut keeper, _) = begun(dir.path(), &mut store);
    add(&mut store, 3);
    keeper.keep(&store, NOW.unix_ms);
    drop((keeper, store));
    cut(dir.path(), 2);
    let sealed = fs::read(dir.path().join(FILE)).unwrap();
    let mut store = store_in(dir.path());
    let (mut keeper, standing) = begun(dir.path(), &mut store);
    add(&mut store, 9);
    keeper.keep(&store, NOW.unix_ms);
    let trouble = standing.known().trouble.unwrap();
    assert!(trouble.contains("cut off") && trouble.contains("entry 4"), "{trouble}");
    assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), sealed, "it is evidence");
}

#[test]
fn a_log_that_is_cut_while_the_control_plane_runs_is_found_by_the_next_entry() {
    let dir = TempDir::new().unwrap();
    let mut store = store_in(dir.path());
    let (mut keeper, standing) = begun(dir.path(), &mut store);
    add(&mut store, 3);
    keeper.keep(&store, NOW.unix_ms);
    assert_eq!(standing.known().trouble, None);
    cut(dir.path(), 2);
    add(&mut store, 5);
    keeper.keep(&store, NOW.unix_ms);
    assert!(standing.known().trouble.is_some());
}

#[test]
fn a_file_that_is_gone_or_forged_is_told() {
    let dir = TempDir::new().unwrap();
    let mut store = store_in(dir.path());
    drop(begun(dir.path(), &mut store));
    fs::remove_file(dir.path().join(FILE)).unwrap();
    drop(begun(dir.path(), &mut store));
    let kinds: Vec<String> =
        store.events(0, &EventFilter::default(), 9).unwrap().into_iter().map(|e| e.event.kind).collect();
    assert_eq!(kinds, ["audit.anchor-missing"]);
    let commands: Vec<String> =
        store.audit_links(0, 9).unwrap().iter().map(|link| link.entry().unwrap().deed.command).collect();
    assert_eq!(commands, ["up", "audit.anchor-missing", "up"]);
    fs::write(dir.path().join(FILE), "{}").unwrap();
    let (_, standing) = begun(dir.path(), &mut store);
    assert!(standing.known().trouble.unwrap().contains("cannot be believed"));
}

#[test]
fn the_timeline_is_told_once_a_day() {
    let dir = TempDir::new().unwrap();
    let mut store = store_in(dir.path());
    let (keeper, _) = begun(dir.path(), &mut store);
    for hours in 0..49 {
        keeper.tell(&mut store, NOW.unix_ms + hours * 3_600_000).unwrap();
    }
    let told = store.events(0, &EventFilter::default(), 99).unwrap();
    assert_eq!(told.len(), 3);
    assert!(told[0].event.message.starts_with("the audit log is at 1:"), "{}", told[0].event.message);
}

#[test]
fn a_call_is_known_on_its_thread_and_only_while_it_lasts() {
    let caller = Caller { who: Who::Stranger, from: Origin::Ssh };
    let call = Call::of(caller.clone());
    let deed = Call::within(Some(call.clone()), || {
        Call::sign(Call::now().as_ref(), Deed::new(Action::Push, "push"))
    });
    assert_eq!((deed.who, deed.from), (Some(caller.who), caller.from));
    assert!(Call::now().is_none());
    let panicked = std::panic::catch_unwind(|| Call::within(Some(call.clone()), || panic!("as it may")));
    assert!(panicked.is_err() && Call::now().is_none());
    assert!(!call.is_told());
}
