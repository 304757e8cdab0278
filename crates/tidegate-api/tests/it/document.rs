//! Answers of the server are what its document says of them.

use serde_json::{Value, json};
use tidegate_control::{TrafficView, UpgradeView};
use tidegate_core::view::{LogLine, PreviewList, ServiceStatus, Status};

use crate::server::Server;
use crate::stub::{Answers, Stub, event};

/// What a value has that a schema of the document does not allow. Patterns and formats are left to schemathesis; a word that is not
/// known here ends the test, so that nothing is passed over.
fn mistakes(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let Value::Object(words) = schema else {
        return if *schema == json!(false) { vec![format!("{place} must not be")] } else { Vec::new() };
    };
    let inner = |schema: &Value, value: &Value, name: &str| {
        mistakes(document, schema, value, &format!("{place}/{name}"))
    };
    let mut found = Vec::new();
    for (word, says) in words {
        let good = match word.as_str() {
            "description" | "default" | "format" | "pattern" => true,
            "$ref" => {
                let whole = document.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                found.extend(mistakes(document, whole, value, place));
                true
            }
            "type" => match says {
                Value::Array(all) => all.iter().any(|name| is(value, name)),
                one => is(value, one),
            },
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|text| text.len() as u64 <= says.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|all| all.len() as u64 >= says.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|all| all.len() as u64 <= says.as_u64().unwrap()),
            "uniqueItems" => true,
            "required" => {
                let there = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                !value.is_object() || says.as_array().unwrap().iter().all(there)
            }
            "anyOf" | "oneOf" => {
                let fits = says.as_array().unwrap().iter();
                let fits = fits.filter(|choice| mistakes(document, choice, value, place).is_empty()).count();
                fits == 1 || (word == "anyOf" && fits > 0)
            }
            "items" => {
                let first = words.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                let rest = value.as_array().into_iter().flatten().skip(first);
                found.extend(rest.flat_map(|item| inner(says, item, "*")));
                true
            }
            "prefixItems" => {
                let pairs = says.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten());
                found.extend(pairs.flat_map(|(schema, item)| inner(schema, item, "*")));
                true
            }
            "properties" => {
                for (name, schema) in says.as_object().unwrap() {
                    found.extend(value.get(name).into_iter().flat_map(|value| inner(schema, value, name)));
                }
                true
            }
            "additionalProperties" => {
                let known = |name: &String| schema["properties"].get(name).is_some();
                let others = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
                found.extend(others.flat_map(|(name, value)| inner(says, value, name)));
                true
            }
            word => panic!("the document says {word}, which nobody checks"),
        };
        if !good {
            found.push(format!("{place} is {value}, not {word} {says}"));
        }
    }
    found
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        name => panic!("no type is called {name}"),
    }
}

fn status() -> Status {
    let instance = |port: Option<u16>| {
        json!({ "id": "web-r3-1", "revision": "r3", "pid": 4711, "port": port, "state": "ready", "restarts": 0,
            "inflight": 2, "files": port.is_none() })
    };
    serde_json::from_value(json!({
        "app": "shop", "environment": "production",
        "services": [{
            "name": "web", "phase": "idle", "strategy": "canary", "train": "checkout", "weight": 5,
            "stable": { "revision": "r3", "ready": 2, "desired": 2 }, "candidate": null,
            "instances": [instance(Some(20_000)), instance(None)], "waiting": ["for traffic"],
            "urls": ["http://shop.localhost:8080/"], "scaling": ["2: by schedule"],
        }],
        "jobs": [],
        "migration": {
            "expanded": "r3", "contract_of": null, "contract": "waits", "contract_in_seconds": 60, "job": null,
            "no_rollback_before": "r2", "summary": "expanded",
        },
        "gateway": { "address": "127.0.0.1:8080", "epoch": 9, "connected": true, "pid": 17 },
        "leaving": "its branch is gone",
    }))
    .unwrap()
}

fn rollout() -> Value {
    let evidence = json!({ "log_e": 0.25, "threshold": 5.3 });
    json!({
        "id": 4, "app": "shop", "environment": "production", "service": "web", "kind": "deploy", "from": "r2", "to": "r3",
        "strategy": "canary", "strategy_why": null, "phase": "rolled_back", "step": 2, "steps": ["5% for 1m", "50%"],
        "step_in_force": true, "step_seconds_left": 1.5,
        "train": { "name": "checkout", "leg": "going", "members": [
            { "service": "web", "rollout": 4, "phase": "baking", "leg": "going" },
        ] },
        "weight": 5, "candidate": [1, 1], "stable": [2, 2], "waiting": [], "code": "rollout::worse", "reason": "it fails more",
        "arms": [{ "role": "candidate", "revision": "r3", "requests": 100, "bad": 9, "p50_ms": 1.5, "p95_ms": null, "p99_ms": null }],
        "judgement": { "verdict": "worse", "message": "it is", "errors": evidence, "latency": evidence, "promotion": evidence,
            "comparison": null },
        "checks": [],
        "outcomes": [{ "name": "bought", "counts": "POST /buy", "stable": [9, 100], "candidate": [4, 50], "difference": -0.01,
            "between": [-0.03, 0.01] }],
        "bad_requests": [{ "id": "7f", "path": "/buy", "status": 500, "instance": "web-r3-1" }],
        "seconds": 61.5, "at_unix_ms": 1_767_323_045_000_u64,
    })
}

fn flag() -> Value {
    let serving = json!({ "share": { "variant": "on", "otherwise": "off", "of": 100_000 } });
    let release = json!({
        "version": 3, "at": "2026-01-02T03:04:05.000Z", "by": "ann", "why": null, "cause": "asked", "from": "off",
        "to": "on to 10%", "before": "defined", "after": serving,
    });
    json!({
        "key": "new-cart", "app": "shop", "environment": "production", "state": "partial", "served": "on to 10%",
        "since": null,
        "git": { "class": "release", "owner": "ann", "description": null, "expires": null, "variants": { "on": true, "off": false },
            "default": "off", "safe": "off", "rules": true, "clients": false, "disabled": false, "rule": { "if": [true, "on"] } },
        "run_time": { "version": 3, "serving": serving, "guard": null, "waiting": null, "archived": false, "last": release },
        "code": { "elsewhere": false, "mentioned": ["r3"], "lacking": [] },
        "debt": [],
    })
}

fn answers() -> Answers {
    let read = |value: Value| serde_json::from_value(value).unwrap();
    let exit = json!({ "code": 1, "signal": null, "out_of_memory": false, "trouble": null, "ran_ms": 40 });
    let job_run = json!({
        "number": 1, "cause": "schedule", "slot": "2026-01-02T03:00:00Z", "phase": "failed", "revision": "r3", "attempts": ["a-1"],
        "started": null, "ended": null, "seconds": 0.5, "exit": exit, "reason": "exit 1", "last_output": ["oh"],
    });
    let step = json!({ "name": "unit", "state": "failed", "seconds": 2.5, "exit": "1", "unit": "u-1", "attempts": 1,
        "tests": { "tests": 3, "failed": 1, "skipped": 0, "failures": [["adds", "1 is not 2"]] } });
    let flag = flag();
    let releases = json!({ "key": "new-cart", "releases": [flag["run_time"]["last"].clone()] });
    Answers {
        status: Some(status()),
        scale: Some(status().services.remove(0)) as Option<ServiceStatus>,
        rollout: Some(serde_json::from_value(rollout()).unwrap()),
        runs: vec![serde_json::from_value(json!({ "id": "run-1", "revision": "r3", "exit": exit })).unwrap()],
        deploys: vec![
            serde_json::from_value(json!({
                "id": 4, "app": "shop", "environment": "production", "phase": "done", "build": "ab", "revision": "r3",
                "services": [{ "name": "web", "rollout": 4, "phase": "done", "revision": "r3", "reason": null }],
                "error": null, "job": null, "over": true, "succeeded": true, "seconds": 12.25,
            }))
            .unwrap(),
        ],
        pipeline_runs: vec![
            serde_json::from_value(json!({
                "run": 7, "app": "shop", "environment": "staging", "commit": "ab", "branch": "main", "author": "ann", "subject": "x",
                "by": "ann", "origin": "push", "state": "failed", "why": "a test", "help": null,
                "stages": [{ "name": "test", "state": "failed", "seconds": 2.5, "why": null, "steps": [step], "deploy": null }],
                "approvals_needed": 1, "approvals": [{ "by": "bob", "at_unix_ms": 5, "why": null }], "from": null, "next": 8,
                "build": "ab", "at": "2026-01-02T03:04:05.000Z", "seconds": 3.0, "over": true,
            }))
            .unwrap(),
        ],
        previews: Some(PreviewList::default()),
        jobs: Some(
            serde_json::from_value(json!({ "jobs": [{
                "name": "tidy", "revision": "r3", "schedule": "every hour", "timezone": "UTC", "overlap": "skip", "timeout": "1h",
                "retries": 0, "catch_up": "no", "next": null, "next_local": null, "last": job_run, "open": [job_run], "skipped": 0,
            }] }))
            .unwrap(),
        ),
        job_runs: Some(serde_json::from_value(json!({ "runs": [job_run] })).unwrap()),
        flags: Some(serde_json::from_value(json!({ "flags": [flag] })).unwrap()),
        releases: Some(serde_json::from_value(releases).unwrap()),
        events: vec![event(1, "deploy.started", "it begins"), event(2, "deploy.done", "it is done")],
        logs: vec![LogLine { at_unix_ms: 5, instance: "web-r3-1".to_owned(), stream: "out".to_owned(), line: "hi".to_owned() }],
        explanation: Some(
            serde_json::from_value(json!({
                "rollout": rollout(), "summary": "it failed", "next": ["tidegate logs"], "events": [event(1, "a", "b")],
                "evidence": { "instance": "web-r3-1", "exit": exit, "last_probe": null, "port": 20_000, "listening": [20_001],
                    "last_output": ["oh"] },
            }))
            .unwrap(),
        ),
        traffic: Some(TrafficView { windows: vec![Default::default()] }),
        doctor: Some(read(json!({ "findings": [{ "severity": "warning", "check": "disk", "message": "full", "help": null }] }))),
        upgrade: Some(UpgradeView {
            program: "/usr/bin/tidegate".into(),
            version: "0.2.0".to_owned(),
            gateway_before: None,
            gateway: 17,
        }),
        ..Answers::default()
    }
}

/// The schema of an operation's answer with this status.
fn schema_of<'d>(document: &'d Value, path: &str, method: &str, status: u16) -> &'d Value {
    let responses = &document["paths"][path][method]["responses"];
    let answer = responses.get(status.to_string()).unwrap_or(&responses["default"]);
    let content = answer["content"].as_object().unwrap();
    &content.values().next().unwrap()["schema"]
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_the_document_says() {
    let server = Server::start(Stub::new(answers()));
    let document = server.ask("GET /v1/openapi.json", "").json();
    let asked = [
        ("get", "/v1/health", "", 200),
        ("get", "/v1/login", "", 200),
        ("get", "/v1/whoami", "", 200),
        ("get", "/v1/status", "", 200),
        ("get", "/v1/doctor", "", 200),
        ("post", "/v1/upgrade", "", 200),
        ("get", "/v1/deploys/4", "{id}", 200),
        ("get", "/v1/services/web/rollout", "{service}", 200),
        ("get", "/v1/services/web/traffic", "{service}", 200),
        ("get", "/v1/services/web/rollout/proof", "{service}", 404),
        ("get", "/v1/runs/run-1", "{id}", 200),
        ("get", "/v1/pipeline/runs", "", 200),
        ("get", "/v1/pipeline/runs/7", "{run}", 200),
        ("get", "/v1/pipeline/runs/7/logs", "{run}", 200),
        ("get", "/v1/previews", "", 200),
        ("get", "/v1/jobs", "", 200),
        ("get", "/v1/jobs/tidy", "{job}", 200),
        ("get", "/v1/jobs/tidy/runs", "{job}", 200),
        ("get", "/v1/flags", "", 200),
        ("get", "/v1/flags/new-cart", "{flag}", 200),
        ("get", "/v1/flags/new-cart/releases", "{flag}", 200),
        ("get", "/v1/events", "", 200),
        ("get", "/v1/logs", "", 200),
        ("get", "/v1/explain", "", 200),
        ("get", "/v1/audit", "", 200),
        ("get", "/v1/status?app=UPPER", "", 400),
        ("put", "/v1/services/web/scale", "{service}", 200),
    ];
    for (method, line, part, status) in asked {
        let answer = server.ask_with_token(&format!("{} {line}", method.to_uppercase()), "");
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        let bare = line.split_once('?').map_or(line, |(path, _)| path);
        let path: Vec<&str> = bare
            .split('/')
            .enumerate()
            .map(|(at, name)| if at == 3 && !part.is_empty() { part } else { name })
            .collect();
        let path = path.join("/").replace("/v1/pipeline/{run}/7", "/v1/pipeline/runs/{run}");
        let schema = schema_of(&document, &path, method, status);
        assert!(schema.get("$ref").is_some(), "{line}: {schema}");
        let mut lines = 0;
        for text in answer.body.lines().filter(|text| text.starts_with('{')) {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(mistakes(&document, schema, &value, ""), [""; 0], "{line}");
            lines += 1;
        }
        assert!(lines > 0, "{line}: {}", answer.body);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_type_is_not_what_the_document_says() {
    let server = Server::start(Stub::default());
    let document = server.ask("GET /v1/openapi.json", "").json();
    let schema = schema_of(&document, "/v1/status", "get", 200);
    let good = serde_json::to_value(status()).unwrap();
    assert_eq!(mistakes(&document, schema, &good, ""), [""; 0]);
    for (pointer, wrong) in [
        ("/services", json!("web")),
        ("/services/0/weight", json!("5%")),
        ("/services/0/weight", json!(-5)),
        ("/services/0/stable", json!({ "revision": 3 })),
        ("/services/0/instances/1/port", json!(70_000)),
        ("/gateway/connected", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!mistakes(&document, schema, &bad, "").is_empty(), "{pointer}");
    }
    server.stop().await;
}
