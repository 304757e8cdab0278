//! Commands that ask a server: a real one in this process, over a control plane that answers from a script.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_api::{ApiConfig, Listener, Token, serve};
use tidegate_control::{Refusal, RefusalKind};
use tokio::runtime::Runtime;

use crate::jobs::job;
use crate::stub::{Answers, Stub, event};
use crate::terminal::Terminal;

const GOOD: &str = "app: shop\nservices:\n  web: { run: node server.js }\n";

/// A server and a terminal that talks to it.
pub struct Served {
    pub stub: Arc<Stub>,
    pub terminal: Terminal,
    // Ends the server when dropped.
    _runtime: Runtime,
    _data: TempDir,
}

impl Served {
    pub fn new(answers: Answers) -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let stub = Arc::new(Stub::new(answers));
        let listener = Listener::unix(&data.path().join("api.sock")).unwrap();
        let config = ApiConfig::new(vec![listener], Token::new("unused"), data.path().join("spool"));
        let plane: Arc<Stub> = Arc::clone(&stub);
        runtime.spawn(serve(config, plane, std::future::pending()));
        let terminal = Terminal::with_api(data.path()).file("tidegate.yaml", GOOD);
        Served { stub, terminal, _runtime: runtime, _data: data }
    }

    pub fn type_in(&self, args: &[&str]) -> String {
        self.terminal.type_in(args)
    }
}

/// A view from JSON: the tests read like the contract.
pub fn view<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn deploy(
    phase: &str,
    over: bool,
    services: Value,
    error: Value,
    job: Value,
) -> tidegate_core::view::DeployView {
    let succeeded = over && phase == "done";
    view(json!({
        "id": 7, "app": "shop", "environment": "production", "phase": phase, "build": "0123456789ab", "revision": "r2",
        "services": services, "error": error, "job": job, "over": over, "succeeded": succeeded, "seconds": 4.25,
    }))
}

fn service(phase: &str, reason: Value) -> Value {
    json!([{ "name": "web", "rollout": 12, "phase": phase, "revision": "r2", "reason": reason }])
}

fn log(text: &str, stream: &str) -> tidegate_core::view::LogLine {
    view(json!({ "at_unix_ms": 1, "instance": "run-3", "stream": stream, "line": text }))
}

fn status() -> tidegate_core::view::Status {
    let instance = |id: &str, revision: &str, state: &str, port: u16| {
        json!({ "id": id, "revision": revision, "pid": 4000 + u32::from(port % 10), "port": port, "state": state,
                "restarts": 0, "inflight": 2 })
    };
    view(json!({
        "app": "shop", "environment": "production",
        "services": [
            { "name": "web", "phase": "progressing", "strategy": "blue-green", "weight": 0,
              "stable": { "revision": "r1", "ready": 2, "desired": 2 },
              "candidate": { "revision": "r2", "ready": 1, "desired": 2 },
              "instances": [instance("web-1", "r1", "ready", 41001), instance("web-2", "r1", "ready", 41002),
                            instance("web-3", "r2", "ready", 41003), instance("web-4", "r2", "starting", 41004)],
              "waiting": ["1 of 2 candidate instances is not ready"], "urls": ["http://shop.localhost:8080/"] },
            { "name": "worker", "phase": "idle", "strategy": "rolling", "weight": 100,
              "stable": { "revision": "r1", "ready": 1, "desired": 1 }, "candidate": null,
              "instances": [{ "id": "worker-5", "revision": "r1", "pid": 4005, "port": null, "state": "ready",
                              "restarts": 3, "inflight": 0 }],
              "waiting": [], "urls": [] },
        ],
        "jobs": [job()],
        "migration": { "expanded": "r1", "contract_of": "r1", "contract": "waiting", "contract_in_seconds": 60, "job": null,
                       "no_rollback_before": null, "summary": "expanded for r1; contract step of r1 in 1m" },
        "gateway": { "address": "127.0.0.1:8080", "epoch": 12, "connected": true, "pid": 3999 },
    }))
}

#[test]
fn status_for_people_and_programs() {
    let served = Served::new(Answers { status: Some(status()), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["status"]));
    let printed = served.terminal.output(&["status", "--json"]).stdout;
    assert_eq!(view::<tidegate_core::view::Status>(serde_json::from_slice(&printed).unwrap()), status());
}

#[test]
fn the_app_of_this_folder_is_meant_unless_another_is_named() {
    let served = Served::new(Answers { status: Some(status()), ..Answers::default() });
    served.type_in(&["status"]);
    served.type_in(&["status", "--app", "other", "-e", "staging"]);
    let asked = served.stub.called();
    assert!(asked[0].contains("\"shop\"") && asked[0].contains("environment: None"), "{asked:?}");
    assert!(asked[1].contains("\"other\"") && asked[1].contains("\"staging\""), "{asked:?}");
}

#[test]
fn plan_reads_in_the_order_it_would_happen() {
    let plan = view(json!({
        "app": "shop", "environment": "production", "build": "0123456789ab", "build_action": "make",
        "build_run": "npm ci", "revision": "r2", "revision_exists": false, "migrate": "npm run migrate",
        "migrate_steps": ["expand: `npm run migrate` before the candidate gets requests", "contract: `npm run drop` once it has been stable for 1d; one-way: no rollback past it"],
        "jobs": [{ "name": "report", "action": "change", "schedule": "30 6 * * * (Europe/Berlin)", "next": "2026-01-02 06:30:00 +01:00",
                   "changes": ["timeout changes"] }],
        "services": [
            { "name": "web", "action": "roll out", "stable": "r1", "instances": [2, 3], "strategy": "all-at-once",
              "strategy_why": "it has a fixed port", "zero_downtime": false,
              "steps": ["stop 2 instances of r1", "start 3 of r2"], "changes": ["env LOG_LEVEL differs"] },
            { "name": "old", "action": "remove", "stable": "r1", "instances": [1, 0], "strategy": "rolling",
              "strategy_why": null, "zero_downtime": true, "steps": ["stop 1 instance"], "changes": [] },
        ],
        "way": { "by": "`tidegate promote -e staging production`", "approvals": 1, "protected": true,
                 "waits": "it is frozen (holidays); deploys begin again at 2027-01-05 08:00:00 +01:00",
                 "changes": ["approvals: 1 -> 2"],
                 "stages": [{ "name": "deploy", "does": "the deploy" }, { "name": "flip", "does": "releases new-cart to on" }] },
        "trains": [{ "name": "checkout", "services": ["web", "api"], "steps": ["have the candidates of all ready", "give them everything"] }],
        "routes": [{ "action": "add", "host": "shop.localhost", "path": "/", "to": "web" }],
        "warnings": ["memory limits are not enforced on this machine"],
    }));
    let served = Served::new(Answers { plan: Some(plan), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["plan"]));
}

#[test]
fn a_deploy_that_succeeds() {
    let deploys = || {
        let rolling = deploy("rolling", false, service("progressing", json!(null)), json!(null), json!(null));
        vec![
            rolling.clone(),
            rolling,
            deploy("done", true, service("succeeded", json!(null)), json!(null), json!(null)),
        ]
    };
    let served = Served::new(Answers { deploys: deploys(), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["deploy", "--wait"]));
    served.stub.answers.lock().unwrap().deploys = deploys();
    let output = served.terminal.output(&["deploy", "--wait", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({ "deploy": 7, "app": "shop", "environment": "production", "error": null, "seconds": 4.25,
                           "services": service("succeeded", json!(null)) });
    assert_eq!(printed, expected);
    let (request, _, tar) = served.stub.snapshots.lock().unwrap()[0].clone();
    assert_eq!(request.by, "ann");
    assert!(
        tar.windows(GOOD.len()).any(|window| window == GOOD.as_bytes()),
        "the manifest is in the snapshot"
    );
}

#[test]
fn a_deploy_that_is_taken_back() {
    let over =
        deploy("failed", true, service("aborted", json!("web-3 exited 3 times")), json!(null), json!(null));
    let served = Served::new(Answers { deploys: vec![over], ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["deploy", "--wait"]));
    assert_eq!(served.terminal.output(&["deploy", "--wait", "--json"]).status.code(), Some(1));
}

#[test]
fn a_build_that_fails_shows_its_last_words() {
    let over = deploy("failed", true, json!([]), json!("the build failed: exit code 1"), json!("build-9"));
    let logs = vec![log("npm ERR! missing script", "err")];
    let served = Served::new(Answers { deploys: vec![over], logs, ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["deploy", "--wait"]));
    let output = served.terminal.output(&["deploy", "--wait", "--json"]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &printed["services"]), (Some(1), &json!([])));
    assert_eq!(printed["error"], "the build failed: exit code 1");
}

#[test]
fn a_deploy_without_wait_says_how_to_follow() {
    let begun = deploy("building", false, json!([]), json!(null), json!(null));
    let served = Served::new(Answers { deploys: vec![begun], ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["deploy"]));
}

fn rollout() -> tidegate_core::view::RolloutView {
    view(json!({
        "id": 12, "app": "shop", "environment": "production", "service": "web", "kind": "deploy", "from": "r1",
        "to": "r2", "strategy": "blue-green", "strategy_why": null, "phase": "aborted", "weight": 0,
        "candidate": [0, 2], "stable": [2, 2], "waiting": [], "code": "crash-loop",
        "reason": "web-3 ended 3 times in a row", "seconds": 9.5, "at_unix_ms": 1,
    }))
}

#[test]
fn explain_quotes_the_last_words() {
    let explanation = view(json!({
        "rollout": rollout(), "summary": "r2 was taken back because web-3 ended 3 times in a row: exit code 1",
        "evidence": {
            "instance": "web-3", "port": 41003, "listening": [5000],
            "exit": { "code": 1, "signal": null, "out_of_memory": false, "trouble": null, "ran_ms": 812 },
            "last_probe": { "probe": "ready", "good": false, "answer": "connection refused on port 41003" },
            "last_output": ["Traceback (most recent call last):", "\u{1b}[31mImportError: no module named url_quote"],
        },
        "next": ["tidegate logs --unit web-3", "tidegate rollout retry web"],
        "events": [event(4, "rollout.aborted", "r2 is taken back")],
    }));
    let served = Served::new(Answers { explanation: Some(explanation), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["explain", "12"]));
    assert_eq!(served.stub.called(), ["explain Some(RolloutId(12))"]);
}

#[test]
fn a_rollout_is_shown_and_steered() {
    let served = Served::new(Answers { rollout: Some(rollout()), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["rollout", "show", "web"]));
    for verb in ["pause", "resume", "promote", "abort", "retry"] {
        assert_eq!(served.terminal.output(&["rollout", verb, "web"]).status.code(), Some(0), "{verb}");
    }
    assert_eq!(served.terminal.output(&["rollback", "web", "r1"]).status.code(), Some(0));
    assert_eq!(served.terminal.output(&["rollback", "web", "one"]).status.code(), Some(1));
    let asked = [
        "rollout web",
        "request web Pause by somebody",
        "request web Resume by somebody",
        "request web Promote by somebody",
        "request web Abort by somebody",
        "retry web",
        "rollback web to r1",
    ];
    assert_eq!(served.stub.called(), asked);
    // Watching a rollout that was taken back ends with 1.
    assert_eq!(served.terminal.output(&["rollout", "show", "web", "-w"]).status.code(), Some(1));
}

#[test]
fn a_member_of_a_train_shows_all_of_it() {
    let member = |service: &str, rollout: u64, leg: &str| json!({ "service": service, "rollout": rollout, "phase": "progressing", "leg": leg });
    let train = json!({ "name": "checkout", "leg": "waiting", "members": [member("web", 11, "going"), member("api", 12, "waiting")] });
    let mut shown = serde_json::to_value(rollout()).unwrap();
    shown["train"] = train;
    shown["phase"] = json!("progressing");
    shown["waiting"] = json!(["web, of the same train, goes first"]);
    (shown["code"], shown["reason"]) = (json!(null), json!(null));
    let served = Served::new(Answers { rollout: Some(view(shown)), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["rollout", "show", "api"]));
}

#[test]
fn events_are_one_object_a_line_oldest_first() {
    let events = vec![event(1, "deploy.begun", "deploy 7"), event(2, "rollout.started", "r2 begins")];
    let served = Served::new(Answers { events, ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["events"]));
    let output = served.terminal.output(&["events", "--json"]).stdout;
    let lines: Vec<Value> =
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for key in ["at", "kind", "service", "revision", "message"] {
        assert!(lines[0][key].is_string(), "{key}");
    }
}

#[test]
fn run_ends_as_its_command_and_keeps_its_streams_apart() {
    let run = |exit: Value| view(json!({ "id": "run-3", "revision": "r1", "exit": exit }));
    let ended = json!({ "code": 3, "signal": null, "out_of_memory": false, "trouble": null, "ran_ms": 5 });
    let logs = vec![log("one", "out"), log("oops", "err"), log("two", "out")];
    let runs = vec![run(json!(null)), run(json!(null)), run(ended)];
    let served = Served::new(Answers { runs, logs, ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["run", "web", "--", "echo", "a b", "$HOME"]));
    assert_eq!(served.stub.called()[0], "run web: echo 'a b' '$HOME'");
}

#[test]
fn doctor_exits_with_2_where_something_does_not_work() {
    let finding = |severity: &str| json!({ "severity": severity, "check": "disk", "message": "it is full", "help": "make room" });
    let findings = |severity: &str| Some(view(json!({ "findings": [finding(severity), finding("ok")] })));
    let served = Served::new(Answers { doctor: findings("error"), ..Answers::default() });
    insta::assert_snapshot!(served.type_in(&["doctor"]));
    served.stub.answers.lock().unwrap().doctor = findings("warning");
    assert_eq!(served.terminal.output(&["doctor"]).status.code(), Some(0));
}

#[test]
fn a_refusal_is_told_with_its_code_its_help_and_its_exit_code() {
    let served = Served::new(Answers::default());
    for (kind, exit) in [
        (RefusalKind::Invalid, 1),
        (RefusalKind::NotFound, 1),
        (RefusalKind::Conflict, 1),
        (RefusalKind::Environment, 2),
        (RefusalKind::Bug, 70),
    ] {
        let refusal =
            Refusal::new(kind, "rollout::none-active", "no rollout is in progress").help("`tidegate deploy`");
        served.stub.answers.lock().unwrap().refusal = Some(refusal);
        assert_eq!(
            served.terminal.output(&["rollout", "pause", "web"]).status.code(),
            Some(exit),
            "{kind:?}"
        );
    }
    insta::assert_snapshot!(served.type_in(&["rollout", "pause", "web"]));
}

#[test]
fn the_nearest_data_directory_is_found_from_below() {
    let served = Served::new(Answers { status: Some(status()), ..Answers::default() });
    let folder = tempfile::tempdir().unwrap();
    let below: PathBuf = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    std::os::unix::fs::symlink(served._data.path(), folder.path().join(".tidegate")).unwrap();
    let output =
        served.terminal.command(&["status"]).env_remove("TIDEGATE_API").current_dir(&below).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
