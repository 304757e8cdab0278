//! `tidegate release` and `tidegate flag`, over a control plane that answers from a script.

use serde_json::{Value, json};
use tidegate_core::view::{FlagHistory, FlagList, FlagView, ReleasedView};

use crate::served::{Served, view};
use crate::stub::Answers;

fn release(version: u64, by: &str, cause: Value, why: Value) -> Value {
    json!({
        "version": version, "at": "2026-01-02T03:04:05.000Z", "by": by, "why": why, "cause": cause,
        "from": "as defined", "to": "on to 25% by user.id, off to the others", "before": "defined", "after": share(),
    })
}

fn share() -> Value {
    json!({ "share": { "variant": "on", "otherwise": "off", "of": 250_000, "by": "user.id" } })
}

/// A guarded release, of which one serving revision lacks the code.
fn flag() -> Value {
    json!({
        "key": "new-cart", "app": "shop", "environment": "production", "state": "guarded",
        "served": "by its rules; else on to 25% by user.id, off to the others", "since": "2026-01-01T00:00:00.000Z",
        "git": {
            "class": "rollout", "owner": "checkout", "description": "the cart in one page", "expires": "2026-12-31",
            "variants": { "on": true, "off": false }, "default": "off", "safe": "off", "rules": true, "clients": false,
            "disabled": false, "type": "boolean", "metric": null, "source": null, "rule_for_all": false,
            "rule": { "if": [{ "in": [{ "var": "email" }, "@shop.example"] }, "on"] },
        },
        "run_time": {
            "version": 2, "serving": share(), "archived": false,
            "guard": {
                "user": [{ "cookie": "sid" }], "step": 0, "since_unix_ms": 1,
                "steps": [{ "of": 250_000, "hold": 300_000 }, { "of": 1_000_000, "hold": 300_000 }],
            },
            "waiting": { "served": "on to everybody", "by": "bob", "why": null, "at": "2026-01-02T03:04:06.000Z" },
            "last": release(2, "ann", json!("asked"), json!("first week")), "experiment": false,
        },
        "code": { "elsewhere": false, "mentioned": ["r3"], "lacking": ["r2"] },
        "debt": [{ "key": "new-cart", "kind": "expired", "says": "its day was 2026-12-31" }],
    })
}

/// A flag that Git has dropped.
fn dropped() -> Value {
    let mut flag = flag();
    flag["key"] = json!("old-cart");
    flag["state"] = json!("undefined");
    flag["served"] = json!("nothing");
    flag["git"] = Value::Null;
    flag["debt"] = json!([]);
    flag["run_time"]["guard"] = Value::Null;
    flag["run_time"]["waiting"] = Value::Null;
    flag["code"] = json!({ "elsewhere": false, "mentioned": [], "lacking": [] });
    flag
}

fn answers(outcome: &str) -> Answers {
    let releases = vec![
        release(2, "tidegate", json!({ "rolled_back": "r2" }), json!("r2 lacks its code")),
        release(1, "ann", json!("asked"), Value::Null),
    ];
    Answers {
        flags: Some(FlagList { flags: vec![view::<FlagView>(flag()), view(dropped())] }),
        releases: Some(view::<FlagHistory>(json!({ "key": "new-cart", "releases": releases }))),
        released: Some(view::<ReleasedView>(json!({ "outcome": outcome, "flag": flag() }))),
        ..Answers::default()
    }
}

#[test]
fn flags_for_people() {
    let served = Served::new(answers("released"));
    let typed =
        [["flag", "list"].as_slice(), &["flag", "show", "new-cart"], &["flag", "history", "new-cart"]];
    let said: Vec<String> = typed.iter().map(|args| served.type_in(args)).collect();
    insta::assert_snapshot!(said.join("\n"));
    let mut dropped_first = answers("released");
    dropped_first.flags.as_mut().unwrap().flags.reverse();
    insta::assert_snapshot!(Served::new(dropped_first).type_in(&["flag", "show", "old-cart"]));
}

#[test]
fn flags_for_programs() {
    let served = Served::new(answers("released"));
    let printed = served.terminal.output(&["flag", "show", "new-cart", "--json"]).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap(), flag());
    let printed = served.terminal.output(&["release", "--json", "on", "new-cart"]).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap()["outcome"], "released");
}

#[test]
fn releases_in_words() {
    let mut said = Vec::new();
    for outcome in ["released", "already", "waiting"] {
        said.push(
            Served::new(answers(outcome))
                .type_in(&["release", "to", "new-cart", "25%", "by", "user.id", "guard"]),
        );
    }
    let served = Served::new(answers("released"));
    for wrong in [
        ["release", "to", "25%", "new-cart", "old-cart"].as_slice(),
        &["release", "to", "250%", "new-cart"],
        &["release", "schedule", "new-cart", "tomorrow=on"],
        &["release", "to", "25%", "new-cart", "--user", "sid"],
    ] {
        said.push(served.type_in(wrong));
    }
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!(served.stub.called(), Vec::<String>::new(), "what cannot be understood is not asked");
}
