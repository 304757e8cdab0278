//! Reports of gateways in, once and more than once, and what is known of the users then.

use serde_json::{Value, json};
use tidegate_core::model::{FlagDefinitions, FlagState, Serving};
use tidegate_core::time::Moment;

use super::super::{count_due, designs};
use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn document(metric: Value) -> Value {
    let experiment = json!({ "metric": metric, "users": 1000, "within": "1h", "user": "cookie:session" });
    json!({ "flags": { "cart": {
        "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
        "targeting": { "fractional": [["on", 1], ["off", 1]] },
        "metadata": { "class": "experiment", "experiment": experiment },
    }}})
}

fn at(unix_ms: u64) -> Time {
    Time { now: Moment(unix_ms), unix_ms }
}

fn with_flag(metric: Value) -> Store {
    let mut store = Store::in_memory().unwrap();
    let (app, environment) = (name("shop"), name("production"));
    let definitions =
        FlagDefinitions { app, environment, deploy: None, revision: None, document: document(metric) };
    store.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
    store
}

fn user(number: u8, variant: &str, requests: u32, bad: u32) -> ExposedUser {
    ExposedUser {
        user: UserDigest([number; 16]).to_hex(),
        variant: variant.to_owned(),
        at_unix_ms: 5_000,
        requests,
        answered: requests,
        bad,
        latency_ms: f64::from(requests) * 20.0,
    }
}

fn report(store: &Store, serial: u64, users: Vec<ExposedUser>) -> ExposureReport {
    let designs = designs(store, &name("shop"), &name("production")).unwrap();
    let design = tag(designs[0].design.as_ref().unwrap());
    let (set, flag) = ("shop/production".to_owned(), "cart".parse().unwrap());
    let experiments = vec![ExposedUsers { set, flag, design, dropped: 3, users }];
    ExposureReport { incarnation: "1-a".to_owned(), serial, experiments }
}

fn take(store: &mut Store, unix_ms: u64, report: &ExposureReport) {
    take_report(store, at(unix_ms), report, &[report.name()]).unwrap();
}

/// One that was made under the design of now.
fn take_new(store: &mut Store, unix_ms: u64, (serial, users): (u64, Vec<ExposedUser>)) {
    let report = report(store, serial, users);
    take(store, unix_ms, &report);
}

fn visits(store: &Store, user: u8) -> (u64, u64) {
    let known = store.experiment_user(1, &UserDigest([user; 16])).unwrap().unwrap();
    known.visits.map_or((0, 0), |visits| (visits.requests, visits.bad))
}

#[test]
fn a_report_that_is_still_there_after_a_kill_counts_nothing_twice() {
    let mut store = with_flag(json!("gateway.errors"));
    let first = report(&store, 1, vec![user(1, "on", 4, 1), user(2, "off", 1, 0)]);
    // Killed after the commit and before the file was gone: it is there once more, and one behind it.
    take(&mut store, 6_000, &first);
    take(&mut store, 6_500, &first);
    take_new(&mut store, 7_000, (2, vec![user(1, "on", 2, 2)]));
    take(&mut store, 7_500, &first);
    let running = store.running_experiments().unwrap().remove(0);
    assert_eq!((running.seen(), running.left_out.dropped), (2, 6));
    assert_eq!((visits(&store, 1), visits(&store, 2)), ((6, 3), (1, 0)));
    // The next gateway begins its own count.
    let other =
        ExposureReport { incarnation: "2-b".to_owned(), ..report(&store, 1, vec![user(1, "on", 1, 0)]) };
    take(&mut store, 8_000, &other);
    assert_eq!(visits(&store, 1), (7, 3));
}

#[test]
fn users_are_counted_by_what_the_gateway_saw_when_their_time_is_over() {
    let mut store =
        with_flag(json!(["gateway.errors", { "name": "gateway.latency", "limit": 15 }, "bought"]));
    take_new(&mut store, 6_000, (1, vec![user(1, "on", 4, 1), user(2, "off", 1, 0)]));
    count_due(&mut store, at(6_001)).unwrap();
    assert_eq!(store.running_experiments().unwrap()[0].counted(), 0, "their time is not over");
    count_due(&mut store, at(6_000 + 3_700_000)).unwrap();
    let running = store.running_experiments().unwrap().remove(0);
    let means =
        |place: usize| running.arms[place].metrics.iter().map(|metric| metric.mean()).collect::<Vec<_>>();
    assert_eq!(running.design.place_of("on"), Some(1));
    assert_eq!((means(0), means(1)), (vec![0.0, 15.0, 0.0], vec![0.25, 15.0, 0.0]));
    // What comes afterwards changes nothing.
    take_new(&mut store, 4_000_000, (2, vec![user(1, "on", 9, 9)]));
    assert_eq!(visits(&store, 1), (4, 1));
}

#[test]
fn of_a_user_the_gateway_never_saw_its_metrics_say_nothing() {
    let mut store = with_flag(json!("gateway.latency"));
    let seen = |number: u8, variant: &str| Seen {
        flag: "cart".parse().unwrap(),
        variant: variant.to_owned(),
        user: UserDigest([number; 16]),
        at_unix_ms: Some(5_000),
    };
    let place = (name("shop"), name("production"));
    let posted = |tx: &Tx<'_>| {
        let place = (&place.0, &place.1);
        let designs = settle(tx, place, at(5_500))?;
        let mut taking = Taking::begin(tx, place, at(5_500), designs)?;
        taking.see(&seen(1, "on"))?;
        taking.see(&seen(2, "off"))?;
        taking.finish().map(drop)
    };
    store.transaction(posted).unwrap();
    take_new(&mut store, 6_000, (1, vec![user(2, "off", 1, 0)]));
    count_due(&mut store, at(9_000_000)).unwrap();
    let running = store.running_experiments().unwrap().remove(0);
    assert_eq!((running.seen(), running.counted(), running.left_out.unseen), (2, 1, 1));
}

#[test]
fn users_that_were_dealt_out_under_another_design_are_none_of_it() {
    let mut store = with_flag(json!("gateway.errors"));
    let before = report(&store, 1, vec![user(1, "on", 1, 0)]);
    let (app, environment) = (name("shop"), name("production"));
    let state =
        FlagState { version: 1, serving: Serving::Defined, ..FlagState::untouched("cart".parse().unwrap()) };
    store.transaction(|tx| tx.put_flag_state(&app, &environment, &state)).unwrap();
    take(&mut store, 6_000, &before);
    assert!(store.running_experiments().unwrap().is_empty(), "it does not begin with them");
    take_new(&mut store, 6_000, (1, vec![user(1, "on", 1, 0)]));
    assert_eq!(
        store.running_experiments().unwrap()[0].seen(),
        1,
        "the note of a report goes with what it counted"
    );
    let elsewhere = |set: &str| {
        let mut report = report(&store, 2, vec![user(3, "on", 1, 0)]);
        set.clone_into(&mut report.experiments[0].set);
        report
    };
    for report in ["shop", "shop/staging", "Shop/production", ""].map(elsewhere) {
        take(&mut store, 6_000, &report);
    }
    assert_eq!(store.running_experiments().unwrap()[0].seen(), 1);
}
