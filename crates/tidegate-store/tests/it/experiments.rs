//! Experiments: what was counted, users under their digests, and events that count once.

use tidegate_core::experiment::*;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::Store;

use crate::fixtures::*;

fn experiment(id: u64, flag: &str) -> Experiment {
    let drawn = |variant: &str| Drawn { variant: variant.to_owned(), weight: 1 };
    let design = Design {
        version: 2,
        drawn: vec![drawn("off"), drawn("on")],
        metrics: vec![Metric { name: "bought".to_owned(), limit: 1.0, more: true }],
        users: 1_000,
        alpha: 0.05,
        within: Millis::seconds(1),
        worth: None,
        rule: serde_json::Value::Null,
        meant: None,
        user: Vec::new(),
        by: None,
    };
    let key =
        ExperimentKey { app: name("shop"), environment: name("production"), flag: flag.parse().unwrap() };
    Experiment::begin(id, key, design, 5)
}

fn digest(byte: u8) -> UserDigest {
    UserDigest([byte; 16])
}

fn user(place: usize) -> User {
    User { place, seen_at_unix_ms: 7, ..User::default() }
}

fn measure(value: f64) -> Measure {
    Measure { metric: 0, at_unix_ms: 9, value }
}

fn with_one() -> (Store, Experiment) {
    let mut store = Store::in_memory().unwrap();
    let one = experiment(1, "cart");
    store.transaction(|tx| tx.put_experiment(&one)).unwrap();
    (store, one)
}

#[test]
fn they_read_back() {
    let mut on_disk = OnDisk::new();
    let mut first = experiment(1, "cart");
    first.on_seen(0, 1);
    first.on_counted(0, &[0.1], 1);
    first.end = Some(End { at_unix_ms: 9, by: "ann".to_owned(), why: None });
    let (second, other) = (experiment(2, "cart"), experiment(3, "search"));
    on_disk
        .store
        .transaction(|tx| [&first, &second, &other].into_iter().try_for_each(|one| tx.put_experiment(one)))
        .unwrap();
    let on_disk = on_disk.reopened();
    assert_eq!(on_disk.store.running_experiments().unwrap(), [second.clone(), other.clone()]);
    assert_eq!(on_disk.store.last_experiment(&first.key).unwrap(), Some(second.clone()));
    let all = on_disk.store.experiments_of(&name("shop"), &name("production"), 2).unwrap();
    assert_eq!(all, [other, second]);
}

#[test]
fn a_flag_has_one_that_runs() {
    let (mut store, _) = with_one();
    assert!(store.transaction(|tx| tx.put_experiment(&experiment(2, "cart"))).is_err());
}

#[test]
fn users_are_due_in_their_order_and_once() {
    let (mut store, _) = with_one();
    store
        .transaction(|tx| {
            tx.put_experiment_user(1, &digest(1), &user(0), Some(Moment(30)))?;
            tx.put_experiment_user(1, &digest(2), &user(1), Some(Moment(10)))?;
            tx.put_experiment_user(1, &digest(3), &user(1), Some(Moment(31)))
        })
        .unwrap();
    let due = |store: &Store, now, most| store.due_users(1, Moment(now), most).unwrap();
    assert_eq!(due(&store, 30, 9), [(digest(2), user(1)), (digest(1), user(0))]);
    assert_eq!(due(&store, 30, 1).len(), 1);
    let counted = User { values: Some(vec![0.5]), ..user(1) };
    store.transaction(|tx| tx.put_experiment_user(1, &digest(2), &counted, None)).unwrap();
    assert_eq!(due(&store, 30, 9), [(digest(1), user(0))]);
    assert_eq!(store.experiment_user(1, &digest(2)).unwrap(), Some(counted));
    assert_eq!(store.experiment_user(1, &digest(9)).unwrap(), None);
}

#[test]
fn an_event_counts_once() {
    let (mut store, _) = with_one();
    let added = store
        .transaction(|tx| {
            let first = tx.add_measure(1, &digest(1), &digest(8), &measure(2.5), Moment(1))?;
            let again = tx.add_measure(1, &digest(1), &digest(8), &measure(7.0), Moment(2))?;
            let other = tx.add_measure(1, &digest(1), &digest(9), &measure(7.0), Moment(2))?;
            Ok((first, again, other))
        })
        .unwrap();
    assert_eq!(added, (true, false, true));
    assert_eq!(store.measures_of(1, &digest(1)).unwrap(), [measure(2.5), measure(7.0)]);
    let kept = [1, 2].map(|user| store.count_measures_of(1, &digest(user)).unwrap());
    assert_eq!(kept, [2, 0]);
}

#[test]
fn events_of_nobody_are_forgotten_after_a_while_and_all_users_at_the_end() {
    let (mut store, _) = with_one();
    store
        .transaction(|tx| {
            tx.put_experiment_user(1, &digest(1), &user(0), Some(Moment(30)))?;
            tx.add_measure(1, &digest(1), &digest(8), &measure(1.0), Moment(1))?;
            tx.add_measure(1, &digest(2), &digest(8), &measure(1.0), Moment(1))?;
            tx.add_measure(1, &digest(3), &digest(8), &measure(1.0), Moment(5)).map(drop)
        })
        .unwrap();
    assert_eq!(store.transaction(|tx| tx.drop_unclaimed_measures(1, Moment(5))).unwrap(), 1);
    let kept = |store: &Store| [1, 2, 3].map(|user| store.count_measures_of(1, &digest(user)).unwrap());
    assert_eq!(kept(&store), [1, 0, 1]);
    assert_eq!(store.transaction(|tx| tx.drop_measures(1, &digest(3))).unwrap(), 1);
    assert_eq!(kept(&store), [1, 0, 0]);
    assert_eq!(store.transaction(|tx| tx.drop_experiment_users(1, 9)).unwrap(), 2);
    assert_eq!((kept(&store), store.due_users(1, Moment(99), 9).unwrap().len()), ([0, 0, 0], 0));
}

#[test]
fn the_users_of_one_that_ended_are_forgotten_in_parts() {
    let (mut store, mut one) = with_one();
    one.end = Some(End { at_unix_ms: 9, by: "ann".to_owned(), why: None });
    one.forgetting = true;
    store
        .transaction(|tx| {
            for n in 0..5 {
                tx.put_experiment_user(1, &digest(n), &user(0), None)?;
                tx.add_measure(1, &digest(n), &digest(8), &measure(1.0), Moment(1))?;
            }
            tx.put_experiment(&one)
        })
        .unwrap();
    assert_eq!(
        (store.running_experiments().unwrap(), store.experiments_to_forget().unwrap()),
        (vec![], vec![one.clone()])
    );
    let parts = [0; 4].map(|_| store.transaction(|tx| tx.drop_experiment_users(1, 2)).unwrap());
    assert_eq!(parts, [4, 4, 2, 0]);
    one.forgetting = false;
    store.transaction(|tx| tx.put_experiment(&one)).unwrap();
    assert!(store.experiments_to_forget().unwrap().is_empty());
}
