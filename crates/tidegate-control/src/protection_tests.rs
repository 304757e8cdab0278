//! What is in force, and who gets past it.

use serde_json::json;
use tidegate_core::model::RunNo;
use tidegate_core::time::Moment;
use tidegate_store::{EventFilter, Store};

use super::*;

const TIME: Time = Time { now: Moment(1_000), unix_ms: 5 };

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn policy(protected: bool) -> EnvironmentPolicy {
    EnvironmentPolicy { protected, branches: vec!["main".to_owned()], ..EnvironmentPolicy::default() }
}

fn run(number: u64, protected: bool, deploy: Option<u64>) -> PipelineRun {
    let run = json!({
        "number": number, "app": "shop", "environment": "production",
        "source": { "commit": null, "branch": "main", "author": "Ann", "email": "", "subject": "", "by": "ann", "origin": "push" },
        "input": {
            "snapshot": "", "build": "b1", "build_run": null, "build_within_ms": 0,
            "revision": { "build": "b1", "services": {}, "routes": [], "migrate": null },
            "flags": null, "mentioned": [], "source": { "commit": null, "dirty": false }, "manifest": ["tidegate.yaml", ""],
        },
        "spec": { "stages": [] }, "policy": policy(protected),
        "stages": [{ "name": "deploy", "state": "failed", "why": null, "began_at": null, "ended_at": null, "steps": [],
                     "deploy": deploy }],
        "state": "failed", "why": null, "approvals": [], "from": null, "push": null, "next": null,
        "created_at": 0, "made_at_unix_ms": 0, "ended_at": null,
    });
    serde_json::from_value(run).unwrap()
}

/// A run for whoever needs one.
pub(crate) fn test_run() -> PipelineRun {
    run(1, false, Some(7))
}

fn store_with(runs: &[PipelineRun]) -> Store {
    let mut store = Store::in_memory().unwrap();
    store.transaction(|tx| runs.iter().try_for_each(|run| tx.put_pipeline_run(run))).unwrap();
    store
}

fn guarded(store: &mut Store, brings: Option<bool>, glass: Option<(&str, &str)>) -> Result<(), Refusal> {
    let (app, environment, brings) = (name("shop"), name("production"), brings.map(policy));
    let change = Change { place: (&app, &environment), what: "deploy a folder", brings: brings.as_ref() };
    let glass = glass.map(|(by, why)| BreakGlass { by: by.to_owned(), why: why.to_owned() });
    guard(store, TIME, &change, glass.as_ref())
}

fn told(store: &Store) -> Vec<String> {
    let events = store.events(0, &EventFilter::default(), 10).unwrap();
    events.into_iter().map(|event| event.event.message).collect()
}

#[test]
fn the_last_run_that_deployed_says_what_is_in_force() {
    assert_eq!(of_runs(Vec::new()), None);
    let is = |runs: Vec<PipelineRun>| of_runs(runs).unwrap().protected;
    assert!(is(vec![run(2, false, None), run(1, true, Some(7))]), "a run that never deployed lifts nothing");
    assert!(!is(vec![run(2, false, Some(8)), run(1, true, Some(7))]), "one that did does");
    assert!(is(vec![run(2, true, None), run(1, false, None)]), "before any did, the newest counts");
    assert_eq!(run(3, true, None).number, RunNo(3));
}

#[test]
fn a_protected_environment_takes_nothing_from_a_folder_and_says_the_way() {
    let mut store = store_with(&[run(1, true, Some(7))]);
    for brings in [None, Some(false), Some(true)] {
        let refusal = guarded(&mut store, brings, None).unwrap_err();
        assert_eq!(refusal.code, "environment::protected");
        assert!(refusal.help.unwrap().starts_with("`git push $(tidegate git url) HEAD:main`"));
    }
    assert_eq!(told(&store), Vec::<String>::new());
    assert!(guarded(&mut store_with(&[run(1, false, Some(7))]), Some(false), None).is_ok());
}

#[test]
fn the_manifest_at_hand_protects_an_environment_that_no_run_has_reached() {
    let mut store = store_with(&[]);
    assert_eq!(guarded(&mut store, Some(true), None).unwrap_err().code, "environment::protected");
    assert!(guarded(&mut store, Some(false), None).is_ok());
}

#[test]
fn a_reason_passes_and_is_told_in_one_line() {
    let mut store = store_with(&[run(1, true, Some(7))]);
    for (by, why) in [("ann", " \n"), ("", "the bank changed")] {
        let refusal = guarded(&mut store, None, Some((by, why))).unwrap_err();
        assert_eq!(refusal.code, "environment::no-reason");
    }
    assert_eq!(told(&store), Vec::<String>::new());
    guarded(&mut store, None, Some(("ann", "the bank\nchanged"))).unwrap();
    let said = "the protection of production was passed over by ann to deploy a folder: the bank changed";
    assert_eq!(told(&store), [said]);
}

#[test]
fn where_nothing_is_protected_a_reason_is_not_asked_for_and_not_told() {
    let mut store = store_with(&[run(1, false, Some(7))]);
    guarded(&mut store, None, Some(("ann", "just in case"))).unwrap();
    assert_eq!(told(&store), Vec::<String>::new());
}
