//! An experiment with two thousand users who never were, told through the API: the interval holds the truth, and a `kill -9` at
//! any commit with the same batch sent again counts nobody twice.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tidegate_api::Client;
use tidegate_control::Scope;
use tidegate_core::experiment::{At, EventBatch, EventsTaken, Exposure, Measurement};
use tidegate_core::model::FlagDefinitions;
use tidegate_core::view::ExperimentView;
use tidegate_store::Store;

use crate::support::{App, Tidegate, eventually};

/// How long anything here may take.
const LONG: Duration = Duration::from_secs(30);
const USERS: u64 = 2_000;
/// Users of a batch.
const BATCH: u64 = 250;
/// What part of the users buys: without the flag, and with it.
const BUY: [f64; 2] = [0.10, 0.20];

/// What is to come out: users, buyers and what they spent, by variant.
type Truth = BTreeMap<&'static str, (u64, u64, f64)>;

/// SplitMix64 of a user's number, from 0 to 1.
fn chance(user: u64, salt: u64) -> f64 {
    let mut z = (user * 2 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The events of some users, and what they amount to.
fn batch(users: std::ops::Range<u64>, at: u64, truth: &mut Truth) -> EventBatch {
    let mut batch = EventBatch::default();
    for number in users {
        let user = format!("user-{number}");
        let place = usize::from(chance(number, 0) < 0.5);
        let variant = ["off", "on"][place];
        let seen = truth.entry(variant).or_default();
        seen.0 += 1;
        batch.exposures.push(Exposure {
            flag: "one-click".parse().unwrap(),
            variant: variant.to_owned(),
            user: user.clone(),
            at: Some(At(at)),
        });
        if chance(number, 1) < BUY[place] {
            let spent = 5.0 + (number % 40) as f64;
            (seen.1, seen.2) = (seen.1 + 1, seen.2 + spent);
            for (metric, value) in [("bought", 1.0), ("revenue", spent)] {
                let user = user.clone();
                let (metric, id) = (metric.to_owned(), Some(format!("order-{number}")));
                batch.metrics.push(Measurement { metric, user, value, at: At(at + 1), id });
            }
        }
    }
    batch
}

/// What a deploy of a manifest with this flag leaves behind.
fn define(tidegate: &Tidegate) {
    let document = json!({ "flags": { "one-click": {
        "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
        "targeting": { "fractional": [["on", 1], ["off", 1]] },
        "metadata": { "class": "experiment", "owner": "shop", "source": "elsewhere", "experiment": {
            "metric": ["bought", { "name": "revenue", "limit": 100 }], "users": USERS, "within": "1s",
        }},
    }}});
    let mut store = Store::open(&tidegate.data().join("tidegate.db")).unwrap();
    let (app, environment) = store.apps().unwrap().remove(0);
    let definitions = FlagDefinitions { app, environment, deploy: None, revision: None, document };
    store.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
}

fn send(tidegate: &Tidegate, batch: &EventBatch) -> Option<EventsTaken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::unix(tidegate.data().join("api.sock"));
    runtime.block_on(client.exposures(&Scope::default(), batch)).ok()
}

fn show(tidegate: &Tidegate) -> Option<ExperimentView> {
    let output = tidegate.run(&["experiment", "show", "one-click", "--json"]);
    serde_json::from_slice(&output.stdout).ok()
}

fn counted(tidegate: &Tidegate, users: u64) -> ExperimentView {
    eventually("all users are counted", LONG, || show(tidegate).filter(|view| view.counted == users))
}

fn deployed() -> Tidegate {
    let mut tidegate = Tidegate::up();
    let mut app = App::new();
    app.set("scale", "1");
    tidegate.deploy_well(&app);
    tidegate.kill9_control();
    define(&tidegate);
    tidegate
}

/// Sends a batch to a control plane that is killed around its commits, and again until it was taken: what the kills left of it.
fn send_among_kills(tidegate: &mut Tidegate, batch: &EventBatch) -> usize {
    for (kills, moment) in (1..).enumerate() {
        if tidegate.restart_to_be_killed(moment) {
            let taken = send(tidegate, batch);
            if taken.is_some() && !tidegate.control_ended() {
                tidegate.kill9_control();
                return kills;
            }
            // Where it was not killed by this, it is not going to be.
            eventually("the kill", LONG, || tidegate.control_ended().then_some(()));
        }
    }
    unreachable!("a story has an end")
}

fn is_the_truth(view: &ExperimentView, truth: &Truth) {
    for arm in &view.variants {
        let (users, buyers, spent) = truth[arm.variant.as_str()];
        assert_eq!((arm.seen, arm.counted), (users, users), "{arm:?}");
        let close = |metric: usize, sum: f64| (arm.metrics[metric].mean - sum / users as f64).abs() < 1e-9;
        assert!(close(0, buyers as f64) && close(1, spent), "{arm:?}");
    }
}

#[test]
fn the_interval_holds_the_truth_and_a_kill_counts_nobody_twice() {
    let mut tidegate = deployed();
    let at = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let mut truth = Truth::new();
    let batches: Vec<EventBatch> =
        (0..USERS / BATCH).map(|n| batch(n * BATCH..(n + 1) * BATCH, at, &mut truth)).collect();
    let kills = send_among_kills(&mut tidegate, &batches[0]);
    assert!(kills >= 2, "right before and right after a commit: {kills}");
    tidegate.restart();
    let moving = tidegate.run(&["release", "on", "one-click"]);
    let said = String::from_utf8_lossy(&moving.stderr).into_owned();
    assert!(!moving.status.success() && said.contains("flag::experiment-runs"), "{said}");
    // What users did comes before they were seen, too.
    let early = EventBatch { exposures: Vec::new(), ..batches[1].clone() };
    assert_eq!(send(&tidegate, &early).unwrap().metrics, early.metrics.len() as u64);
    for batch in &batches[1..] {
        assert_eq!(send(&tidegate, batch).unwrap().users, BATCH);
        assert_eq!(send(&tidegate, batch).unwrap().users, 0, "sent again");
    }
    let view = counted(&tidegate, USERS);
    is_the_truth(&view, &truth);
    let on = &view.variants[1].metrics[0];
    let (low, high) = on.between.unwrap();
    assert!(low > 0.0 && (low..=high).contains(&(BUY[1] - BUY[0])), "{on:?}");
    assert_eq!((view.verdict.as_str(), view.alarmed_at_unix_ms), ("better", None), "{view:?}");
    crossing_over_is_counted_out(&tidegate, &batches[0]);
    its_users_are_nowhere_by_name(&tidegate);
    let output = tidegate.run(&["experiment", "stop", "one-click", "--why", "kept"]);
    assert!(output.status.success(), "{output:?}");
    let ended = show(&tidegate).unwrap();
    assert_eq!((ended.state.as_str(), ended.counted), ("ended", USERS - 1));
    assert!(send(&tidegate, &batches[0]).unwrap().ignored > 0, "it does not begin again");
}

/// One user is seen with the other variant as well.
fn crossing_over_is_counted_out(tidegate: &Tidegate, batch: &EventBatch) {
    let mut one = batch.exposures[0].clone();
    one.variant = if one.variant == "on" { "off" } else { "on" }.to_owned();
    let crossing = EventBatch { exposures: vec![one], metrics: Vec::new() };
    assert_eq!(send(tidegate, &crossing).unwrap().left_out, 1);
    let view = show(tidegate).unwrap();
    assert_eq!((view.seen, view.counted, view.left_out.crossed), (USERS, USERS - 1, 1));
}

fn its_users_are_nowhere_by_name(tidegate: &Tidegate) {
    for file in ["tidegate.db", "tidegate.db-wal"] {
        let bytes = std::fs::read(tidegate.data().join(file)).unwrap_or_default();
        assert!(
            !bytes.windows(9).any(|window| window.starts_with(b"user-1") && window[6].is_ascii_digit()),
            "{file}"
        );
    }
}
