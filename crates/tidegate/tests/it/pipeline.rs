//! `tidegate pipeline`, `promote` and `approve`, and what a protected environment asks for.

use serde_json::{Value, json};
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::view::PipelineRunView;

use crate::served::{Served, view};
use crate::stub::Answers;

fn stage(name: &str, state: &str, seconds: Value, why: Value, steps: Value) -> Value {
    json!({ "name": name, "state": state, "seconds": seconds, "why": why, "steps": steps, "deploy": null })
}

fn steps(state: &str, exit: Value, tests: Value) -> Value {
    json!([
        { "name": "lint", "state": "succeeded", "seconds": 1.02, "exit": "exit code 0", "tests": null, "unit": "step-3",
          "attempts": 1 },
        { "name": "unit (node 20)", "state": state, "seconds": 2.2, "exit": exit, "tests": tests, "unit": "step-4",
          "attempts": 2 },
    ])
}

fn run(state: &str, over: bool, stages: Value, why: Value, help: Value) -> PipelineRunView {
    view(json!({
        "run": 7, "app": "shop", "environment": "production", "commit": "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
        "branch": "main", "author": "Ann", "subject": "Mend the cart \u{1b}[2J", "by": "bob", "origin": "promotion", "state": state,
        "why": why, "help": help, "stages": stages, "approvals_needed": 2,
        "approvals": [{ "by": "cy", "at_unix_ms": 1, "why": "tried it" }], "from": 6, "next": null, "build": "0123456789ab",
        "at": "2026-01-02T03:04:05.000Z", "seconds": 4.25, "over": over,
    }))
}

fn failed() -> PipelineRunView {
    let tests = json!({ "tests": 41, "failed": 1, "skipped": 2, "failures": [["cart adds twice", "expected 2, got 1"]] });
    let stages = json!([
        stage("build", "succeeded", json!(0.9), Value::Null, json!([])),
        stage(
            "test",
            "failed",
            json!(3.2),
            json!("unit (node 20) failed"),
            steps("failed", json!("exit code 1"), tests)
        ),
        stage("deploy", "cancelled", Value::Null, Value::Null, json!([])),
    ]);
    run(
        "failed",
        true,
        stages,
        json!("test failed"),
        json!("mend it and push, or `tidegate pipeline retry 7`"),
    )
}

fn waiting() -> PipelineRunView {
    let stages = json!([stage("deploy", "waiting", Value::Null, json!("1 of 2 agreed"), json!([]))]);
    run("waiting", false, stages, json!("1 of 2 agreed"), json!("`tidegate approve 7`"))
}

fn running(unit: &str) -> PipelineRunView {
    let (exit, state) =
        if unit == "running" { (Value::Null, "running") } else { (json!("exit code 1"), "failed") };
    let stages = json!([stage("test", state, json!(3.0), Value::Null, steps(unit, exit, Value::Null))]);
    run("running", false, stages, Value::Null, Value::Null)
}

fn served(pipeline_runs: Vec<PipelineRunView>) -> Served {
    Served::new(Answers { pipeline_runs, ..Answers::default() })
}

#[test]
fn a_run_shows_its_stages_and_why_it_stopped() {
    insta::assert_snapshot!(served(vec![failed()]).type_in(&["pipeline", "show", "7"]));
}

#[test]
fn a_run_for_programs_is_the_contract() {
    let served = served(vec![failed()]);
    let printed = served.terminal.output(&["pipeline", "show", "--json"]).stdout;
    let json: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(
        (&json["run"], &json["environment"], &json["state"]),
        (&json!(7), &json!("production"), &json!("failed"))
    );
    let stage = &json["stages"][1];
    assert_eq!(
        (&stage["name"], &stage["state"], &stage["seconds"]),
        (&json!("test"), &json!("failed"), &json!(3.2))
    );
    assert!(json["commit"].as_str().unwrap().starts_with("1a2b3c"));
}

#[test]
fn runs_are_listed_a_line_each() {
    insta::assert_snapshot!(served(vec![waiting(), failed()]).type_in(&["pipeline", "list"]));
    insta::assert_snapshot!(served(Vec::new()).type_in(&["pipeline", "list", "-e", "staging"]));
    insta::assert_snapshot!(served(Vec::new()).type_in(&["pipeline", "show"]));
}

#[test]
fn a_watched_run_tells_what_changes_and_ends_as_it_did() {
    // The first look is at the list, which takes none away.
    let served = served(vec![running("running"), running("running"), running("failed"), failed()]);
    insta::assert_snapshot!(served.type_in(&["pipeline", "show", "-w"]));
}

#[test]
fn promotion_and_consent_are_asked_by_whoever_types() {
    let served = served(vec![waiting()]);
    insta::assert_snapshot!(served.type_in(&["promote", "-e", "staging", "production"]));
    served.type_in(&["approve", "7", "--why", "tried it"]);
    served.type_in(&["pipeline", "cancel", "7"]);
    let asked = served.stub.called();
    assert_eq!(asked[0], "promote from Some(Name(\"staging\")) to production by ann");
    assert_eq!(asked[1], "run_approve 7 by ann because Some(\"tried it\")");
    assert_eq!(asked[3], "run_cancel 7 by ann");
}

#[test]
fn waiting_for_a_run_ends_with_its_result() {
    insta::assert_snapshot!(served(vec![waiting(), failed()]).type_in(&["promote", "production", "--wait"]));
}

#[test]
fn output_is_told_with_who_wrote_it() {
    let line = |text: &str| {
        view(json!({ "at_unix_ms": 1, "instance": "test / unit", "stream": "out", "line": text }))
    };
    let answers =
        Answers { pipeline_runs: vec![failed()], logs: vec![line("one"), line("two")], ..Answers::default() };
    insta::assert_snapshot!(
        Served::new(answers).type_in(&["pipeline", "logs", "7", "--stage", "test", "-f"])
    );
}

#[test]
fn a_protected_environment_says_the_way_and_the_glass_is_loud() {
    let refusal = Refusal::new(
        RefusalKind::Conflict,
        "environment::protected",
        "production is protected: only runs of a pipeline change it",
    )
    .help("`tidegate promote -e staging production`; in an emergency `--break-glass WHY`, which is told to everybody");
    let served = Served::new(Answers { refusal: Some(refusal), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["rollback", "web"]));
    insta::assert_snapshot!(served.type_in(&["scale", "web=3", "--break-glass", "the bank changed"]));
    assert!(served.stub.called().last().unwrap().ends_with("because the bank changed"));
}
