//! Pruning takes the oldest and nothing that is still needed.

use std::collections::BTreeSet;

use tidegate_core::judgement::Taken;
use tidegate_core::model::*;
use tidegate_store::{EventFilter, Store, StoreError};

use crate::fixtures::*;

#[test]
fn rollouts_in_progress_are_kept() {
    let mut store = Store::in_memory().unwrap();
    let removed = store
        .transaction(|tx| {
            put_service(tx, "web")?;
            put_service(tx, "worker")?;
            tx.put_rollout(&rollout(1, "web", Phase::Aborting))?;
            for id in 2..=5 {
                tx.put_rollout(&rollout(id, "web", Phase::Succeeded))?;
                tx.add_window(RolloutId(id), &Taken::default())?;
            }
            tx.put_rollout(&rollout(6, "worker", Phase::Failed))?;
            tx.prune_rollouts(2)
        })
        .unwrap();
    let left: Vec<_> = store.rollouts_of(&key("web"), 9).unwrap().iter().map(|kept| kept.id.0).collect();
    assert_eq!((removed, left), (2, vec![5, 4, 1]));
    let windows = (1..=5).map(|id| store.count_windows(RolloutId(id)).unwrap());
    assert_eq!(windows.collect::<Vec<_>>(), [0, 0, 0, 1, 1], "what was judged goes with its rollout");
    assert_eq!(store.rollouts_of(&key("worker"), 9).unwrap().len(), 1);
}

#[test]
fn deploys_that_build_are_kept() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            tx.put_build(&build("b"))?;
            tx.put_deploy(&deploy(1, "b", DeployPhase::Building))?;
            for id in 2..=4 {
                tx.put_deploy(&deploy(id, "b", DeployPhase::Rolling))?;
            }
            tx.prune_deploys(1)
        })
        .unwrap();
    let left = store.deploys_of(&name("shop"), &name("production"), 9).unwrap();
    assert_eq!(left.iter().map(|kept| kept.id).collect::<Vec<_>>(), [4, 1]);
}

#[test]
fn revisions_that_are_needed_are_kept_and_numbers_go_on() {
    let mut store = Store::in_memory().unwrap();
    let (app, environment) = (name("shop"), name("production"));
    store
        .transaction(|tx| {
            tx.put_build(&build("b"))?;
            for _ in 0..5 {
                let number = tx.next_revision(&app, &environment)?;
                tx.put_revision(&revision(number.0, "b", "hello"))?;
            }
            tx.prune_revisions(&app, &environment, 1, &BTreeSet::from([RevisionNo(2)]))
        })
        .unwrap();
    let left: Vec<_> =
        store.revisions_of(&app, &environment).unwrap().iter().map(|kept| kept.number.0).collect();
    assert_eq!(left, [2, 5]);
    let none = BTreeSet::new();
    store.transaction(|tx| tx.prune_revisions(&app, &environment, 0, &none)).unwrap();
    let next = store.transaction(|tx| tx.next_revision(&app, &environment)).unwrap();
    assert_eq!(next, RevisionNo(6));
}

#[test]
fn a_build_or_service_that_is_named_cannot_be_removed() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            tx.put_build(&build("b"))?;
            tx.put_build(&build("unused"))?;
            put_service(tx, "web")?;
            tx.put_instance(&key("web"), &instance("web-1"))?;
            tx.put_revision(&revision(1, "b", "hello"))
        })
        .unwrap();
    let of_build = store.transaction(|tx| tx.remove_build(&BuildId("b".to_owned())));
    let of_service = store.transaction(|tx| tx.remove_service(&key("web")));
    assert!(matches!((of_build, of_service), (Err(StoreError::Conflict(_)), Err(StoreError::Conflict(_)))));
    store.transaction(|tx| tx.remove_build(&BuildId("unused".to_owned()))).unwrap();
    assert_eq!(store.builds().unwrap().len(), 1);
}

#[test]
fn events_are_pruned_to_the_newest() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            for _ in 0..5 {
                tx.event(&event("web", "again"), 1)?;
            }
            tx.prune_events(2)
        })
        .unwrap();
    let left = store.events(0, &EventFilter::default(), 9).unwrap();
    assert_eq!(left.iter().map(|kept| kept.seq).collect::<Vec<_>>(), [4, 5]);
    store.transaction(|tx| tx.prune_events(0)).unwrap();
    assert_eq!(store.latest_seq().unwrap(), 5);
    assert_eq!(store.transaction(|tx| tx.event(&event("web", "next"), 1)).unwrap(), 6);
}
