//! What is in force, and who gets past it.

use serde_json::json;
use tidegate_core::model::{RunNo, RunPreview};
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
        "state": if deploy.is_some() { "succeeded" } else { "failed" }, "why": null, "approvals": [], "from": null, "push": null, "next": null,
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

fn is_protected(store: &Store) -> bool {
    known(store, &name("shop"), &name("production")).unwrap().unwrap().protected
}

#[test]
fn the_last_run_that_came_there_says_what_is_in_force() {
    assert_eq!(known(&store_with(&[]), &name("shop"), &name("production")).unwrap(), None);
    let is = |runs: &[PipelineRun]| is_protected(&store_with(runs));
    assert!(is(&[run(2, false, None), run(1, true, Some(7))]), "a run that never deployed lifts nothing");
    assert!(!is(&[run(2, false, Some(8)), run(1, true, Some(7))]), "one that came there does");
    let preview = Some(RunPreview { base: name("preview"), slug: "x".to_owned() });
    let of_a_branch = PipelineRun { preview, ..run(2, false, Some(8)) };
    assert!(is(&[of_a_branch, run(1, true, Some(7))]), "a preview's says nothing of the environment");
    let taken_back = PipelineRun { state: RunState::Failed, ..run(2, false, Some(8)) };
    assert!(is(&[taken_back, run(1, true, Some(7))]), "one that was taken back does not");
    assert!(is(&[run(2, true, None), run(1, false, None)]), "before any did, the newest counts");
    assert_eq!(run(3, true, None).number, RunNo(3));
}

#[test]
fn rules_that_are_kept_outlive_the_runs() {
    use tidegate_core::model::{EnvironmentState, Rules};
    let mut store = store_with(&[run(2, false, None)]);
    let rules = Some(Rules { policy: policy(true), by: RunNo(1) });
    let kept = EnvironmentState { rules, ..EnvironmentState::new(name("shop"), name("production")) };
    store.transaction(|tx| tx.put_environment(&kept)).unwrap();
    assert!(is_protected(&store), "whoever pushes often enough does not get rid of them");
}

#[test]
fn a_run_goes_by_the_rules_and_keeps_what_it_says_itself() {
    let under = run(2, false, None).under(policy(true));
    assert!(under.policy.protected && !under.own_policy().protected);
    assert_eq!(under.clone().under(policy(true)), under);
    assert_eq!(under.under(policy(false)), run(2, false, None));
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
