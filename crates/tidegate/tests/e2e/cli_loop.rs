//! The loop a user goes through by the command line: steer a rollout, go back, scale, look, run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tidegate_core::model::RevisionNo;

use crate::support::{App, Tidegate, eventually, get};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(20);

/// The first version is stable.
fn deployed() -> (Tidegate, App) {
    let (tidegate, app) = (Tidegate::up(), App::new());
    tidegate.deploy_well(&app);
    (tidegate, app)
}

/// The second version has all the traffic and bakes for as long as it is let.
fn baking() -> (Tidegate, App) {
    let (tidegate, mut app) = deployed();
    app.set("strategy", "{ blue-green: { bake: 60s } }");
    tidegate.deploy_begin(app.next_version());
    tidegate.wait_for("the candidate has the traffic", LONG, |service| service.weight == 100);
    (tidegate, app)
}

fn well(tidegate: &Tidegate, args: &[&str]) -> String {
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn idle_at(tidegate: &Tidegate, revision: u32) {
    tidegate.wait_for("it is at rest", LONG, |service| {
        service.phase == "idle" && service.stable.as_ref().is_some_and(|s| s.revision == RevisionNo(revision))
    });
}

fn version(tidegate: &Tidegate) -> String {
    get(tidegate.gateway(), HOST, "/version").unwrap().body
}

#[test]
fn a_rollout_is_paused_resumed_promoted() {
    let (tidegate, _app) = baking();
    well(&tidegate, &["rollout", "pause", "web"]);
    tidegate.wait_for("it is paused", LONG, |service| service.phase == "paused");
    assert!(!tidegate.run(&["rollout", "pause", "web"]).status.success());
    well(&tidegate, &["rollout", "resume", "web"]);
    tidegate.wait_for("it goes on", LONG, |service| service.phase == "promoting");
    well(&tidegate, &["rollout", "promote", "web"]);
    idle_at(&tidegate, 2);
    assert_eq!(version(&tidegate), "2\n");
    let nothing = tidegate.run(&["rollout", "promote", "web"]);
    assert_eq!(nothing.status.code(), Some(1), "{}", said(&nothing));
}

#[test]
fn a_rollout_is_aborted_and_retried_without_an_edit() {
    let (tidegate, _app) = baking();
    well(&tidegate, &["rollout", "abort", "web"]);
    idle_at(&tidegate, 1);
    assert_eq!(version(&tidegate), "1\n");
    well(&tidegate, &["rollout", "retry", "web"]);
    tidegate.wait_for("the candidate has the traffic", LONG, |service| service.weight == 100);
    well(&tidegate, &["rollout", "promote", "web"]);
    idle_at(&tidegate, 2);
    assert_eq!(version(&tidegate), "2\n");
}

#[test]
fn a_rollback_can_be_rolled_back() {
    let (tidegate, mut app) = deployed();
    tidegate.deploy_well(app.next_version());
    for (revision, answer) in [(1, "1\n"), (2, "2\n"), (1, "1\n")] {
        well(&tidegate, &["rollback", "web"]);
        idle_at(&tidegate, revision);
        assert_eq!(version(&tidegate), answer);
    }
    well(&tidegate, &["rollback", "web", "r2"]);
    idle_at(&tidegate, 2);
    let unknown = tidegate.run(&["rollback", "web", "r9"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", said(&unknown));
}

#[test]
fn a_newer_deploy_takes_the_place_of_one_that_bakes_and_of_one_that_starts() {
    let (tidegate, mut app) = baking();
    app.set("startup", "{ http: /up, within: 60s }").behave("never-ready");
    tidegate.deploy_begin(app.next_version());
    tidegate.wait_for("the third starts", LONG, |service| {
        service.candidate.as_ref().is_some_and(|c| c.revision == RevisionNo(3))
    });
    app.behave("good").set("strategy", "{ blue-green: { bake: 200ms } }");
    tidegate.deploy_well(app.next_version());
    idle_at(&tidegate, 4);
    assert_eq!(version(&tidegate), "4\n");
    tidegate.wait_for("only the fourth is left", LONG, |service| service.instances.len() == 2);
    let superseded = tidegate.events().iter().filter(|event| event.kind == "rollout.superseded").count();
    assert_eq!(superseded, 2, "{}", tidegate.story());
}

#[test]
fn a_service_is_scaled_up_down_and_to_nothing() {
    let (tidegate, _app) = deployed();
    for number in [4_usize, 1, 0, 2] {
        well(&tidegate, &["scale", &format!("web={number}")]);
        tidegate.wait_for("it has as many as asked for", LONG, |service| {
            let ready = service.instances.iter().filter(|instance| instance.state == "ready").count();
            (service.instances.len(), ready) == (number, number)
        });
        let status = get(tidegate.gateway(), HOST, "/version").unwrap().status;
        assert_eq!(status, if number == 0 { 503 } else { 200 });
    }
    assert_eq!(tidegate.run(&["scale", "web=many"]).status.code().unwrap_or(0), 1);
}

#[test]
fn a_command_runs_in_the_environment_of_the_revision() {
    let (tidegate, _app) = deployed();
    let script = "echo \"version $VERSION\"; echo trouble >&2; exit 7";
    let output = tidegate.run(&["run", "web", "--", "sh", "-c", script]);
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "version 1\n");
    assert_eq!(said(&output), "trouble\n");
}

#[test]
fn logs_are_followed_while_they_are_written() {
    let (tidegate, mut app) = deployed();
    let mut child = tidegate.command(&["logs", "-f", "web"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("version 1 (good) listens on"));
    tidegate.deploy_well(app.next_version());
    let found = lines.by_ref().map(Result::unwrap).find(|line| line.contains("version 2 (good) listens on"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found.is_some());
}

#[test]
fn status_and_events_keep_their_contract() {
    let (tidegate, _app) = baking();
    let status: Value = serde_json::from_str(&well(&tidegate, &["status", "--json"])).unwrap();
    let service = &status["services"][0];
    for (place, keys) in [
        (&status, "app environment services gateway"),
        (service, "name phase strategy weight stable candidate instances"),
        (&service["stable"], "revision ready desired"),
        (&service["candidate"], "revision ready desired"),
        (&service["instances"][0], "id revision pid port state restarts"),
        (&status["gateway"], "address epoch"),
    ] {
        let place = place.as_object().unwrap();
        keys.split(' ').for_each(|key| assert!(place.contains_key(key), "{key} in {place:?}"));
    }
    assert_eq!(
        (&service["stable"]["revision"], &service["candidate"]["revision"]),
        (&"r1".into(), &"r2".into())
    );
    let events = well(&tidegate, &["events", "--json"]);
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        let event = event.as_object().unwrap();
        ["at", "kind", "service", "revision", "message"]
            .iter()
            .for_each(|key| assert!(event.contains_key(*key), "{key} in {event:?}"));
    }
    let at = |event: &Value| event["at"].as_str().unwrap().to_owned();
    assert!(events.is_sorted_by_key(at), "oldest first");
}

#[test]
fn a_plan_says_before_what_a_deploy_then_does() {
    let (tidegate, mut app) = deployed();
    let plan = |app: &App| -> Value {
        let output = tidegate.command(&["plan", "--json"]).arg(app.path()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(plan(&app)["services"][0]["action"], "unchanged");
    app.next_version();
    let before = plan(&app);
    assert_eq!((&before["revision"], &before["services"][0]["action"]), (&"r2".into(), &"roll out".into()));
    tidegate.deploy_well(&app);
    let after = plan(&app);
    assert_eq!((&after["revision"], &after["services"][0]["action"]), (&"r2".into(), &"unchanged".into()));
}

#[test]
fn values_of_an_environment_file_are_shown_nowhere() {
    const SECRET: &str = "hunter2-correct-horse";
    let (tidegate, mut app) = deployed();
    let file = app.path().join("staging.env");
    fs::write(&file, format!("PASSWORD={SECRET}\n")).unwrap();
    fs::write(app.path().join(".gitignore"), "*.env\n").unwrap();
    let env_file = ["--env-file", file.to_str().unwrap()];
    let mut shown = Vec::new();
    let plan = tidegate.command(&["plan", "--json"]).args(env_file).arg(app.path()).output().unwrap();
    let bad = app.behave("exits-at-once").next_version();
    let failed = tidegate.command(&["deploy", "--wait"]).args(env_file).arg(bad.path()).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let good = app.behave("good").next_version();
    let deploy =
        tidegate.command(&["deploy", "--wait", "--json"]).args(env_file).arg(good.path()).output().unwrap();
    assert!(deploy.status.success(), "{}", said(&deploy));
    shown.extend([plan, failed, deploy]);
    for args in [["status", "--json"], ["events", "--json"], ["explain", "--json"], ["doctor", "--json"]] {
        shown.push(tidegate.run(&args));
    }
    fs::write(&file, format!("PASSWORD={SECRET}\n= {SECRET} {SECRET}\n")).unwrap();
    let broken = tidegate.command(&["deploy"]).args(env_file).arg(app.path()).output().unwrap();
    assert!(!broken.status.success());
    shown.push(broken);
    for output in shown {
        assert!(!String::from_utf8_lossy(&output.stdout).contains(SECRET), "{output:?}");
        assert!(!said(&output).contains(SECRET), "{}", said(&output));
    }
    assert!(!tidegate.control_log().contains(SECRET));
    let inside = well(&tidegate, &["run", "web", "--", "sh", "-c", "echo $PASSWORD | wc -c"]);
    assert_eq!(inside.trim(), (SECRET.len() + 1).to_string(), "the app has it");
}

#[test]
fn a_procfile_alone_is_enough() {
    let (tidegate, app) = (Tidegate::up(), App::new());
    let folder = app.path().join("shop");
    fs::create_dir(&folder).unwrap();
    fs::rename(app.path().join("app.py"), folder.join("app.py")).unwrap();
    fs::write(folder.join("Procfile"), "web: exec python3 app.py\n").unwrap();
    let output = tidegate.command(&["deploy", "--wait"]).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let url = tidegate.service().urls.remove(0);
    let host = url.trim_start_matches("http://").split(':').next().unwrap().to_owned();
    let answer = eventually("it answers", LONG, || get(tidegate.gateway(), &host, "/").ok());
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello from version 1\n"));
}

#[test]
fn a_worker_without_a_port_is_rolled_out_too() {
    let (tidegate, app) = (Tidegate::up(), App::new());
    let manifest = "app: quiet\nservices:\n  worker:\n    run: \"echo at work; exec sleep 1000\"\n    port: none\n    \
                    strategy: { blue-green: { bake: 300ms } }\n    stop: { grace: 1s }\n";
    fs::write(app.manifest(), manifest).unwrap();
    tidegate.deploy_well(&app);
    fs::write(app.path().join("new"), "").unwrap();
    tidegate.deploy_well(&app);
    let service = tidegate.service();
    assert_eq!((service.stable.unwrap().revision, service.urls.len()), (RevisionNo(2), 0));
    assert!(service.instances.iter().all(|instance| instance.port.is_none()));
}
