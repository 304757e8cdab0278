//! Flags: what Git says of them, what is served of them, their releases, and who may ask.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_core::model::*;
use tidegate_store::{Store, StoreError};

use crate::fixtures::*;

fn place() -> (Name, Name) {
    (name("shop"), name("production"))
}

fn flag(key: &str) -> FlagKey {
    key.parse().unwrap()
}

fn state(key: &str, version: u64) -> FlagState {
    FlagState { version, serving: Serving::Variant("on".to_owned()), ..FlagState::untouched(flag(key)) }
}

fn release(key: &str, version: u64) -> Release {
    Release {
        flag: flag(key),
        version,
        by: "ann".to_owned(),
        why: Some("it is \"time\"\n".to_owned()),
        cause: ReleaseCause::Asked,
        before: Serving::Defined,
        after: Serving::Variant("on".to_owned()),
        at_unix_ms: version,
    }
}

fn access(id: &str, digest: &str) -> FlagAccess {
    let (app, environment) = place();
    FlagAccess {
        id: id.to_owned(),
        app,
        environment,
        kind: FlagAccessKind::Server,
        name: "web".to_owned(),
        digest: digest.to_owned(),
        made_at_unix_ms: 7,
    }
}

fn definitions(default: &str) -> FlagDefinitions {
    let (app, environment) = place();
    let document = json!({"flags": {"new-cart": {"state": "ENABLED", "defaultVariant": default}}});
    FlagDefinitions { app, environment, deploy: Some(3), revision: None, document }
}

#[test]
fn they_read_back() {
    let mut on_disk = OnDisk::new();
    let (app, environment) = place();
    let mentioned = BuildFlags { keys: BTreeSet::from([flag("new-cart"), flag("one-click")]), partly: true };
    on_disk
        .store
        .transaction(|tx| {
            tx.put_build_flags(&BuildId("b1".to_owned()), &mentioned)?;
            tx.put_build(&build("b1"))?;
            tx.put_flag_definitions(&definitions("off"))?;
            tx.put_flag_state(&app, &environment, &state("one-click", 1))?;
            tx.put_flag_state(&app, &environment, &state("new-cart", 2))?;
            (1..=3)
                .try_for_each(|version| tx.add_release(&app, &environment, &release("new-cart", version)))?;
            tx.add_flag_key(&access("k2", "dd"))?;
            tx.add_flag_key(&access("k1", "ee"))
        })
        .unwrap();
    let store = on_disk.reopened().store;
    assert_eq!(store.build_flags(&BuildId("b1".to_owned())).unwrap(), Some(mentioned));
    assert_eq!(store.build_flags(&BuildId("b2".to_owned())).unwrap(), None);
    assert_eq!(store.flag_definitions(&app, &environment).unwrap(), Some(definitions("off")));
    assert_eq!(store.flag_definitions(&app, &name("staging")).unwrap(), None);
    assert_eq!(store.all_flag_definitions().unwrap(), [definitions("off")]);
    let states = store.flag_states_of(&app, &environment).unwrap();
    assert_eq!(states, [state("new-cart", 2), state("one-click", 1)]);
    assert_eq!(store.flag_state(&app, &environment, &flag("new-cart")).unwrap(), state("new-cart", 2));
    let untouched = store.flag_state(&app, &name("staging"), &flag("new-cart")).unwrap();
    assert_eq!(untouched, FlagState::untouched(flag("new-cart")));
    let newest = store.releases_of(&app, &environment, &flag("new-cart"), 2).unwrap();
    assert_eq!(newest, [release("new-cart", 3), release("new-cart", 2)]);
    assert_eq!(store.flag_keys().unwrap(), [access("k2", "dd"), access("k1", "ee")]);
    assert_eq!(store.flag_keys_of(&app, &name("staging")).unwrap(), []);
}

#[test]
fn a_release_is_never_replaced_nor_a_digest_used_twice() {
    let mut store = Store::in_memory().unwrap();
    let (app, environment) = place();
    store
        .transaction(|tx| {
            tx.add_release(&app, &environment, &release("new-cart", 1))?;
            tx.add_flag_key(&access("k1", "dd"))
        })
        .unwrap();
    let other = Release { by: "eve".to_owned(), ..release("new-cart", 1) };
    let again = store.transaction(|tx| tx.add_release(&app, &environment, &other));
    let digest = store.transaction(|tx| tx.add_flag_key(&access("k2", "dd")));
    assert!(matches!((again, digest), (Err(StoreError::Conflict(_)), Err(StoreError::Conflict(_)))));
    assert_eq!(store.releases_of(&app, &environment, &flag("new-cart"), 9).unwrap()[0].by, "ann");
}

#[test]
fn the_epoch_counts_what_changes_and_nothing_else() {
    let mut store = Store::in_memory().unwrap();
    let (app, environment) = place();
    assert_eq!(store.flags_epoch().unwrap(), 0);
    for _ in 0..2 {
        store
            .transaction(|tx| {
                tx.put_flag_definitions(&definitions("off"))?;
                tx.put_flag_state(&app, &environment, &state("new-cart", 1))
            })
            .unwrap();
        assert_eq!(store.flags_epoch().unwrap(), 2, "an equal row is no change");
    }
    store.transaction(|tx| tx.add_flag_key(&access("k1", "dd"))).unwrap();
    assert_eq!(store.flags_epoch().unwrap(), 3);
    assert!(store.transaction(|tx| tx.remove_flag_key("k1")).unwrap());
    assert!(!store.transaction(|tx| tx.remove_flag_key("k1")).unwrap());
    store.transaction(|tx| tx.put_flag_definitions(&definitions("on"))).unwrap();
    assert_eq!(store.flags_epoch().unwrap(), 5);
}
