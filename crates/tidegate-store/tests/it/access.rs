//! Roles and the users' own policies.

use tidegate_core::access::{Binding, PolicyFile, PolicyVersion, Role};
use tidegate_store::{Store, StoreError};

use crate::fixtures::*;

fn binding(holder: &str, role: Role, place: &str) -> Binding {
    let (holder, place) = (holder.parse().unwrap(), place.parse().unwrap());
    Binding { holder, role, place, by: "owner".to_owned(), made_at_unix_ms: 7 }
}

#[test]
fn a_role_is_given_once_and_taken() {
    let mut on_disk = OnDisk::new();
    let all = [
        binding("ann", Role::Developer, "shop"),
        binding("ann", Role::Operator, "shop/staging"),
        binding("token:ci", Role::Developer, "*"),
    ];
    let add = |store: &mut Store, one: &Binding| store.transaction(|tx| tx.add_role_binding(one)).unwrap();
    assert!(all.iter().all(|one| add(&mut on_disk.store, one)));
    let again = Binding { by: "bob".to_owned(), ..all[0].clone() };
    assert!(!add(&mut on_disk.store, &again), "it was there already");
    let mut on_disk = on_disk.reopened();
    assert_eq!(on_disk.store.role_bindings().unwrap(), all);
    assert_eq!(on_disk.store.role_bindings_of(&all[0].holder).unwrap(), all[..2]);
    assert!(on_disk.store.transaction(|tx| tx.drop_role_binding(&again)).unwrap());
    assert!(!on_disk.store.transaction(|tx| tx.drop_role_binding(&again)).unwrap());
    assert_eq!(on_disk.store.role_bindings().unwrap(), all[1..]);
}

#[test]
fn the_newest_versions_of_policies_are_kept() {
    let mut store = Store::in_memory().unwrap();
    assert_eq!(store.newest_policy_version().unwrap(), 0);
    let version = |version| PolicyVersion {
        version,
        files: vec![PolicyFile { name: "a.cedar".to_owned(), text: version.to_string() }],
        ..PolicyVersion::default()
    };
    store.transaction(|tx| (1..=130).try_for_each(|n| tx.add_policy_version(&version(n)))).unwrap();
    assert_eq!(store.newest_policy_version().unwrap(), 130);
    let kept: Vec<u64> = store.policy_versions().unwrap().iter().map(|kept| kept.version).collect();
    assert_eq!(kept, (31..=130).rev().collect::<Vec<_>>());
    assert_eq!(store.policy_version(130).unwrap(), Some(version(130)));
    assert_eq!(store.policy_version(30).unwrap(), None);
    let again = store.transaction(|tx| tx.add_policy_version(&version(130)));
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
}
