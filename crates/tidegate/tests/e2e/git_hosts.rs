//! A repository at a Git host: a webhook or a poll begins a run of what is new there, and nothing else begins one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{App, Repo, Tidegate, eventually, full};

/// How long anything here may take.
const LONG: Duration = Duration::from_secs(30);

/// A bare repository as a host has it, and the checkout it is pushed from.
struct Host {
    folder: TempDir,
    app: App,
    repo: Repo,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-host-").tempdir().unwrap();
        let app = App::new();
        let repo = Repo::of(&app);
        let bare = folder.path().join("shop.git");
        let made =
            Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(&bare).status().unwrap();
        assert!(made.success());
        let host = Host { folder, app, repo };
        host.push("main");
        host
    }

    fn url(&self) -> String {
        format!("file://{}/shop.git", self.folder.path().display())
    }

    fn push(&self, branch: &str) {
        let pushed = self.repo.push(&self.url(), branch);
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    }

    /// The next version on main; its commit.
    fn next(&mut self) -> String {
        self.app.next_version();
        let commit = self.repo.commit("Next");
        self.push("main");
        commit
    }
}

fn connect(tidegate: &Tidegate, host: &Host, more: &[&str]) -> Value {
    let url = host.url();
    let args = [&["git", "connect", &url, "--app", "bad", "--json"], more].concat();
    let output = tidegate.run(&args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn source(tidegate: &Tidegate) -> Value {
    let output = tidegate.run(&["git", "sources", "--json"]);
    // One that was killed just now does not answer.
    let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    list["sources"][0].clone()
}

fn runs(tidegate: &Tidegate) -> Vec<Value> {
    let output = tidegate.run(&["pipeline", "list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    list["runs"].as_array().cloned().unwrap_or_default()
}

fn wait_for_run(tidegate: &Tidegate, commit: &str) -> Value {
    eventually("its run is over", LONG, || {
        runs(tidegate).into_iter().find(|run| run["commit"] == commit && run["over"] == true)
    })
}

fn wait_until_seen(tidegate: &Tidegate, commit: &str) {
    eventually("it is dealt with", LONG, || (source(tidegate)["heads"]["main"] == commit).then_some(()));
}

/// A push as GitHub tells of it.
fn payload(commit: &str, at: u64) -> String {
    json!({ "ref": "refs/heads/main", "before": "0".repeat(40), "after": commit,
        "repository": { "clone_url": "file:///etc", "pushed_at": at }, "pusher": { "name": "carla" } })
    .to_string()
}

/// Sends a webhook as GitHub does, by a name that is not this machine's.
fn send(tidegate: &Tidegate, secret: &str, delivery: &str, body: &str) -> (u16, Value) {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut stream = TcpStream::connect(tidegate.api()).unwrap();
    let head = format!(
        "POST /v1/hooks/bad HTTP/1.1\r\nHost: hooks.example.org\r\nConnection: close\r\nContent-Type: application/json\r\n\
         X-GitHub-Event: push\r\nX-GitHub-Delivery: {delivery}\r\nX-Hub-Signature-256: sha256={tag}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_webhook_begins_the_run_of_what_is_new_and_a_forged_or_replayed_one_nothing() {
    let tidegate = Tidegate::up();
    let mut host = Host::new();
    let first = host.repo.tip(&host.url(), "main");

    let connected = connect(&tidegate, &host, &[]);
    let secret = connected["secret"].as_str().unwrap().to_owned();
    let run = wait_for_run(&tidegate, &first);
    assert_eq!((run["state"].as_str(), run["environment"].as_str()), (Some("succeeded"), Some("production")));
    wait_until_seen(&tidegate, &first);

    // The payload's own address is not looked at, and who pushed is what it says.
    let second = host.next();
    let body = payload(&second, 1);
    let (status, answer) = send(&tidegate, &secret, "d1", &body);
    assert_eq!((status, answer["taken"].as_bool()), (202, Some(true)), "{answer}");
    let run = wait_for_run(&tidegate, &second);
    assert_eq!((run["state"].as_str(), run["origin"].as_str()), (Some("succeeded"), Some("webhook")));
    assert_eq!((run["by"].as_str(), run["author"].as_str()), (Some("carla"), Some("Ann")));
    assert_eq!(tidegate.service().stable.unwrap().revision.0, 2);
    wait_until_seen(&tidegate, &second);

    let count = runs(&tidegate).len();
    for (secret, delivery, body, status, code) in [
        (secret.as_str(), "d1", body.clone(), 409, "hook::replayed"),
        (&secret, "d2", body.clone(), 409, "hook::replayed"),
        ("whsec_of-somebody-else", "d3", payload(&first, 2), 401, "hook::forged"),
    ] {
        let (answered, answer) = send(&tidegate, secret, delivery, &body);
        assert_eq!((answered, answer["code"].as_str()), (status, Some(code)), "{answer}");
    }
    // The host's own word for an old commit: the branch is not there, so nothing begins.
    let before = source(&tidegate)["looked_at"].clone();
    let (status, answer) = send(&tidegate, &secret, "d4", &payload(&first, 3));
    assert_eq!((status, answer["taken"].as_bool()), (202, Some(true)));
    eventually("it is looked at", LONG, || (source(&tidegate)["looked_at"] != before).then_some(()));
    assert_eq!(runs(&tidegate).len(), count, "{}", tidegate.story());

    // A broken manifest: no run, the mistake in its place, and not again and again.
    let good = fs::read_to_string(host.app.manifest()).unwrap();
    fs::write(host.app.manifest(), good.replace("services:", "servises:")).unwrap();
    let broken = host.repo.commit("Break the manifest");
    host.push("main");
    assert_eq!(send(&tidegate, &secret, "d5", &payload(&broken, 4)).0, 202);
    wait_until_seen(&tidegate, &broken);
    assert_eq!(runs(&tidegate).len(), count);
    let told: Vec<_> =
        tidegate.events().into_iter().filter(|event| event.kind == "pipeline.refused").collect();
    assert!(told.len() == 1 && told[0].message.contains("`servises`"), "{told:?}");
    assert_eq!(told[0].environment.as_deref(), Some("production"));
    assert!(!tidegate.story().contains(&secret), "a secret is in the timeline");

    // One history: what is pushed here would be overtaken by what is there.
    let url = String::from_utf8(tidegate.run(&["git", "url", "bad"]).stdout).unwrap();
    fs::write(host.app.manifest(), good).unwrap();
    host.repo.commit("Mend the manifest");
    let refused = host.repo.push(url.trim(), "main");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("git::follows"), "{said}");
    assert!(tidegate.run(&["git", "disconnect", "bad"]).status.success());
    assert_eq!(send(&tidegate, &secret, "d6", &payload(&second, 5)).1["code"], "hook::forged");
}

#[test]
fn polling_finds_what_is_new_and_a_host_that_is_away_is_tried_again() {
    let tidegate = Tidegate::up();
    let mut host = Host::new();
    let first = host.repo.tip(&host.url(), "main");
    connect(&tidegate, &host, &["--poll", "10s"]);
    wait_for_run(&tidegate, &first);
    wait_until_seen(&tidegate, &first);

    let second = host.next();
    let run = wait_for_run(&tidegate, &second);
    assert_eq!((run["state"].as_str(), run["origin"].as_str()), (Some("succeeded"), Some("poll")));
    assert_eq!((run["by"].as_str(), run["author"].as_str()), (Some("this machine"), Some("Ann")));
    wait_until_seen(&tidegate, &second);

    // A host that is away is tried again, and says so meanwhile.
    let bare = host.folder.path().join("shop.git");
    let away = host.folder.path().join("away.git");
    fs::rename(&bare, &away).unwrap();
    assert!(tidegate.run(&["git", "fetch", "bad"]).status.success());
    eventually("it is failing", LONG, || (source(&tidegate)["state"] == "failing").then_some(()));
    let doctor = String::from_utf8_lossy(&tidegate.run(&["doctor"]).stdout).into_owned();
    assert!(doctor.contains("git-source: bad: file://"), "{doctor}");
    fs::rename(&away, &bare).unwrap();
    assert!(tidegate.run(&["git", "fetch", "bad"]).status.success());
    eventually("it is well", LONG, || (source(&tidegate)["state"] == "ok").then_some(()));
    assert_eq!(runs(&tidegate).len(), 2, "{}", tidegate.story());
}

#[test]
fn a_kill_at_any_moment_around_a_look_begins_one_run() {
    let mut tidegate = Tidegate::up();
    let mut host = Host::new();
    // A run of nothing but a step: what counts is that it begins, once.
    let text = fs::read_to_string(host.app.manifest()).unwrap();
    fs::write(
        host.app.manifest(),
        format!("pipeline: {{ stages: {{ look: {{ steps: ['true'] }} }} }}\n{text}"),
    )
    .unwrap();
    let first = host.next();
    connect(&tidegate, &host, &["--poll", "1h"]);
    wait_for_run(&tidegate, &first);
    wait_until_seen(&tidegate, &first);
    let mut kills = 0;
    for moment in (1..=19).step_by(if full() { 1 } else { 3 }) {
        if !tidegate.control_ended() {
            tidegate.kill9_control();
        }
        let commit = host.next();
        if !tidegate.restart_to_be_killed(moment) {
            kills += 1;
            tidegate.restart();
        }
        let mut seen = |what: &str, good: &dyn Fn(&Tidegate) -> bool| {
            eventually(what, LONG, || {
                if tidegate.control_ended() {
                    kills += 1;
                    tidegate.restart();
                }
                good(&tidegate).then_some(())
            });
        };
        seen("it is dealt with", &|tidegate| source(tidegate)["heads"]["main"] == commit);
        seen("it runs once", &|tidegate| {
            let begun = runs(tidegate).iter().filter(|run| run["commit"] == commit).count();
            assert!(begun < 2, "killed at moment {moment}\n{}", tidegate.story());
            begun == 1
        });
    }
    assert!(kills > 3, "nothing was killed");
}
