//! Batches in, in any order, and what became of the users.

use serde_json::{Value, json};
use tidegate_core::experiment::UserDigest;
use tidegate_core::model::{FlagDefinitions, FlagKey, FlagState, Serving};
use tidegate_store::Store;

use super::*;
use crate::experiment::standing::end;
use crate::experiment::{forget, moved};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn flag() -> FlagKey {
    "cart".parse().unwrap()
}

fn document(on: u64) -> Value {
    json!({ "flags": { "cart": {
        "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
        "targeting": { "fractional": [["on", on], ["off", 1]] },
        "metadata": { "class": "experiment", "experiment": { "metric": "bought", "users": 1000, "within": "1h" } },
    }}})
}

fn at(unix_ms: u64) -> Time {
    Time { now: Moment(unix_ms), unix_ms }
}

fn seen(user: u8, at_unix_ms: Option<u64>) -> Seen {
    Seen { flag: flag(), variant: "on".to_owned(), user: UserDigest([user; 16]), at_unix_ms }
}

fn bought(user: u8, at_unix_ms: u64) -> Measured {
    let (user, event) = (UserDigest([user; 16]), UserDigest([at_unix_ms as u8; 16]));
    Measured { metric: "bought".to_owned(), user, event, at_unix_ms, value: 1.0 }
}

fn with_flag() -> Store {
    let mut store = Store::in_memory().unwrap();
    let (app, environment) = (name("shop"), name("production"));
    let definitions =
        FlagDefinitions { app, environment, deploy: None, revision: None, document: document(1) };
    store.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
    store
}

fn take(store: &mut Store, unix_ms: u64, exposures: Vec<Seen>, measured: Vec<Measured>) -> EventsTaken {
    let received = Received { exposures, measured };
    let place = (&name("shop"), &name("production"));
    store.transaction(|tx| take_in(tx, at(unix_ms), place, &received)).unwrap()
}

fn seen_at(store: &Store, user: u8) -> u64 {
    store.experiment_user(1, &UserDigest([user; 16])).unwrap().unwrap().seen_at_unix_ms
}

#[test]
fn whoever_is_seen_without_a_time_was_seen_before_what_they_did() {
    let mut store = with_flag();
    let taken =
        take(&mut store, 9_000, vec![seen(1, None), seen(2, None)], vec![bought(1, 200), bought(1, 100)]);
    assert_eq!((taken.users, taken.metrics), (2, 2));
    assert_eq!((seen_at(&store, 1), seen_at(&store, 2)), (100, 9_000));
}

#[test]
fn whoever_was_seen_earlier_than_was_known_has_begun_earlier() {
    let mut store = with_flag();
    for (at, first) in [(500, 500), (200, 200), (800, 200)] {
        take(&mut store, 9_000, vec![seen(1, Some(at))], Vec::new());
        assert_eq!(seen_at(&store, 1), first);
    }
}

#[test]
fn events_that_are_kept_are_counted_in_the_row() {
    let mut store = with_flag();
    let kept = |store: &Store| store.running_experiments().unwrap()[0].kept;
    take(&mut store, 9_000, vec![seen(1, None)], vec![bought(1, 100), bought(1, 101), bought(1, 101)]);
    assert_eq!(kept(&store), 2);
    let other = Seen { variant: "off".to_owned(), ..seen(1, None) };
    take(&mut store, 9_000, vec![other], Vec::new());
    assert_eq!(kept(&store), 0, "who crossed over has none");
}

#[test]
fn users_of_one_that_has_ended_are_forgotten_in_passes_and_figures_stay() {
    let mut store = with_flag();
    let seen = (0..250_u8).map(|user| seen(user, None)).collect();
    take(&mut store, 9_000, seen, Vec::new());
    let mut one = store.running_experiments().unwrap().remove(0);
    store.transaction(|tx| end(tx, at(9_500), &mut one, ("ann", None))).unwrap();
    assert!(store.experiment_user(1, &UserDigest([7; 16])).unwrap().is_some(), "not at once");
    let passes = (0..10).take_while(|_| {
        forget(&mut store).unwrap();
        !store.experiments_to_forget().unwrap().is_empty()
    });
    assert_eq!(passes.count(), 1, "one that forgets, and one that finds nothing more");
    assert!(store.experiment_user(1, &UserDigest([7; 16])).unwrap().is_none());
    assert_eq!(store.last_experiment(&one.key).unwrap().unwrap().seen(), 250);
}

#[test]
fn a_release_by_a_clock_that_was_ahead_leaves_nobody_out_once_it_is_right() {
    let mut store = with_flag();
    let ahead = FlagState { version: 1, changed_at_unix_ms: 3_600_000, ..FlagState::untouched(flag()) };
    let put = |store: &mut Store, state: &FlagState| {
        let state = state.clone();
        store.transaction(|tx| tx.put_flag_state(&name("shop"), &name("production"), &state)).unwrap();
    };
    put(&mut store, &ahead);
    assert_eq!(take(&mut store, 9_000, vec![seen(1, None)], Vec::new()).ignored, 1, "nobody knows better");
    put(&mut store, &ahead.changed_at(Moment(5_000)));
    let taken =
        take(&mut store, 9_000, vec![seen(1, None), seen(2, Some(5_001)), seen(3, Some(4_999))], Vec::new());
    assert_eq!((taken.users, taken.ignored), (2, 1), "what was before the release is left out still");
}

#[test]
fn nobody_but_the_gateway_says_what_it_saw() {
    let mut store = with_flag();
    let mut document = document(1);
    document["flags"]["cart"]["metadata"]["experiment"]["metric"] = json!(["bought", "gateway.errors"]);
    document["flags"]["cart"]["metadata"]["experiment"]["user"] = json!("cookie:session");
    let (app, environment) = (name("shop"), name("production"));
    let definitions = FlagDefinitions { app, environment, deploy: None, revision: None, document };
    store.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
    let posted = Measured { metric: "gateway.errors".to_owned(), ..bought(1, 100) };
    let taken = take(&mut store, 9_000, vec![seen(1, None)], vec![posted]);
    assert_eq!((taken.users, taken.metrics, taken.ignored), (1, 0, 1));
}

#[test]
fn a_kill_ends_it_and_other_weights_would() {
    let mut store = with_flag();
    take(&mut store, 9_000, vec![seen(1, None)], Vec::new());
    let place = (&name("shop"), &name("production"));
    assert_eq!(moved(&store, place, &document(1)).unwrap(), []);
    assert_eq!(moved(&store, place, &document(3)).unwrap(), [flag()]);
    assert_eq!(moved(&store, place, &json!({ "flags": {} })).unwrap(), [flag()]);
    let serving = Serving::Killed("off".to_owned());
    let killed = FlagState { version: 1, serving, ..FlagState::untouched(flag()) };
    store
        .transaction(|tx| {
            tx.put_flag_state(place.0, place.1, &killed)?;
            settle(tx, place, at(9_001)).map(drop)
        })
        .unwrap();
    assert_eq!(store.running_experiments().unwrap().len(), 0);
    assert_eq!(moved(&store, place, &document(3)).unwrap(), []);
}
