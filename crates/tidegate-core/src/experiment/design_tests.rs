//! Definitions and what is served of them in, designs or what is wrong with them out.

use serde_json::{Value, json};

use super::super::said::wrong_with;
use super::*;
use crate::model::{Millionths, Serving, Share};

fn state(serving: Serving) -> FlagState {
    FlagState { version: 3, serving, ..FlagState::untouched("cart".parse().unwrap()) }
}

fn flag(metadata: Value, targeting: Value) -> Value {
    json!({
        "state": "ENABLED",
        "variants": { "on": true, "off": false, "blue": false, "staff": true },
        "defaultVariant": "off",
        "targeting": targeting,
        "metadata": metadata,
    })
}

fn half() -> Value {
    json!({ "fractional": [["on", 50], ["off", 50]] })
}

/// With the rule as it is: it names nothing.
fn of(definition: &Value, state: &FlagState) -> Option<Result<Design, String>> {
    let rule = definition.get("targeting").cloned().unwrap_or_default();
    let digest = rule.to_string();
    Design::of(definition, &Meaning { rule, digest }, state)
}

fn read(metadata: Value, targeting: Value) -> Result<Design, String> {
    of(&flag(metadata, targeting), &state(Serving::Defined)).unwrap()
}

#[test]
fn the_least_is_a_metric_and_an_end() {
    let least = json!({ "class": "experiment", "metric": "bought", "experiment": { "users": 2000 } });
    let design = read(least, half()).unwrap();
    let names: Vec<(&str, u64)> =
        design.drawn.iter().map(|drawn| (drawn.variant.as_str(), drawn.weight)).collect();
    assert_eq!(names, [("off", 50), ("on", 50)], "the control is the default variant and comes first");
    assert_eq!(design.metrics, [Metric { name: "bought".to_owned(), limit: 1.0, more: true }]);
    assert_eq!((design.version, design.users, design.alpha, design.within.0), (3, 2_000, 0.05, 86_400_000));
}

#[test]
fn all_of_it_can_be_said() {
    let all = json!({ "class": "experiment", "experiment": {
        "metric": ["bought", { "name": "revenue", "limit": 500.0 }, { "name": "waited", "limit": 60, "better": "less" }],
        "control": "on", "users": 50_000, "alpha": 0.01, "within": "3d", "worth": 0.002,
    }});
    let rule = json!({ "if": [{ "in": ["@shop", { "var": "email" }] }, "staff",
        { "fractional": [{ "var": "user.id" }, ["off", 1], ["blue"], ["on", 2], ["off", 1]] }] });
    let design = read(all, rule).unwrap();
    let names: Vec<(&str, u64)> =
        design.drawn.iter().map(|drawn| (drawn.variant.as_str(), drawn.weight)).collect();
    assert_eq!(names, [("on", 2), ("off", 2), ("blue", 1)]);
    assert_eq!(design.alpha_each(), 0.01 / 6.0);
    assert_eq!(design.users_of_pair(2), 50_000.0 * 3.0 / 5.0);
    assert!(!design.metrics[2].more);
    assert_eq!((design.metrics[1].cut(1e12), design.metrics[1].cut(-1e12)), (500.0, -500.0));
    assert_eq!((design.metrics[1].cut(f64::NAN), design.metrics[1].cut(3.0)), (0.0, 3.0));
}

#[test]
fn what_was_released_deals_users_out() {
    let least = json!({ "class": "experiment", "metric": "bought", "experiment": { "users": 2000 } });
    let share = Share { variant: "on".into(), otherwise: "off".into(), of: Millionths(100_000), by: None };
    let definition = flag(least, Value::Null);
    let design = of(&definition, &state(Serving::Share(share))).unwrap().unwrap();
    assert_eq!(design.weights(), [900_000, 100_000]);
    for one in [Serving::Variant("on".into()), Serving::Killed("off".into()), Serving::Defined] {
        let why = of(&definition, &state(one)).unwrap().unwrap_err();
        assert!(why.starts_with("everybody gets the same variant"), "{why}");
    }
}

#[test]
fn what_is_no_experiment_is_none() {
    assert!(of(&flag(json!({ "class": "rollout" }), half()), &state(Serving::Defined)).is_none());
    assert!(of(&json!({ "variants": {} }), &state(Serving::Defined)).is_none());
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let with =
        |experiment: Value| json!({ "class": "experiment", "metric": "bought", "experiment": experiment });
    for (metadata, rule, why) in [
        (json!({ "class": "experiment", "metric": "bought" }), half(), "it has no end"),
        (
            json!({ "class": "experiment", "experiment": { "users": 500 } }),
            half(),
            "an experiment has 1 to 10 metrics",
        ),
        (with(json!({ "users": 5 })), half(), "`users` is 5"),
        (with(json!({ "users": 500, "alpha": 0.0 })), half(), "`alpha` is 0"),
        (with(json!({ "users": 500, "within": "soon" })), half(), "`soon` is not a duration"),
        (with(json!({ "users": 500, "worth": -1 })), half(), "`worth`"),
        (with(json!({ "users": 500, "control": "blue" })), half(), "no user is dealt out to `blue`"),
        (with(json!({ "users": 500, "metric": ["a", "a"] })), half(), "the metric `a` is named twice"),
        (with(json!({ "users": 500, "metric": { "name": "a", "limit": 0 } })), half(), "the limit of `a`"),
        (with(json!({ "users": 500, "metric": { "name": "a", "limit": 1e16 } })), half(), "the limit of `a`"),
        (with(json!({ "users": 500, "sample": 3 })), half(), "`experiment`: unknown field `sample`"),
        (
            with(json!({ "users": 500 })),
            json!({ "if": [{ "var": "x" }, half(), half()] }),
            "its rule draws in more than one place",
        ),
        (
            with(json!({ "users": 500 })),
            json!({ "if": [{ "var": "x" }, "on", half()] }),
            "its rule gives `on` to users it did not draw",
        ),
        (
            with(json!({ "users": 500 })),
            json!({ "if": [{ "var": "x" }, half()] }),
            "its rule gives `off` to users it did not draw",
        ),
        (with(json!({ "users": 500 })), json!({ "$ref": "draws" }), "its rule gives what `$ref` comes to"),
        (
            with(json!({ "users": 500 })),
            json!({ "fractional": [["on", { "var": "x" }], ["off"]] }),
            "its draw has weights",
        ),
    ] {
        let unserved = wrong_with(metadata.as_object().unwrap());
        assert!(unserved.is_none_or(|found| found.starts_with(why)), "{why}");
        let found = read(metadata, rule).unwrap_err();
        assert!(found.starts_with(why), "{why}: {found}");
    }
}

#[test]
fn the_gateway_has_its_own_metrics_and_must_know_users() {
    let with = |experiment: Value| json!({ "class": "experiment", "experiment": experiment });
    let said = json!({ "users": 500, "user": ["cookie:session", "header:X-User"], "metric": ["gateway.errors",
        { "name": "gateway.latency", "limit": 2_000 }, "bought"] });
    let design = read(with(said), half()).unwrap();
    assert_eq!(design.user, [UserKey::Cookie("session".to_owned()), UserKey::Header("x-user".to_owned())]);
    let told: Vec<_> =
        design.metrics.iter().map(|metric| (metric.source(), metric.limit, metric.more)).collect();
    assert_eq!(
        told,
        [(Source::Errors, 1.0, false), (Source::Latency, 2_000.0, false), (Source::Posted, 1.0, true)]
    );
    assert!(design.asks_gateway() && design.by.is_none());
    let usual = with(json!({ "users": 500, "metric": "gateway.latency", "user": "claim:sub" }));
    assert_eq!(read(usual, half()).unwrap().metrics[0].limit, 10_000.0);
    for (experiment, why) in [
        (json!({ "users": 500, "metric": "gateway.errors" }), "`gateway.errors` needs `user`"),
        (json!({ "users": 500, "metric": "gateway.rps", "user": "cookie:s" }), "`gateway.rps` is none of"),
        (
            json!({ "users": 500, "metric": "bought", "user": "session" }),
            "`user`: `session` is not cookie:NAME",
        ),
        (json!({ "users": 500, "metric": "bought", "user": [] }), "`user` has 1 to 8"),
    ] {
        let found = wrong_with(with(experiment).as_object().unwrap()).unwrap();
        assert!(found.starts_with(why), "{found}");
    }
}

#[test]
fn the_gateway_draws_by_what_the_draw_names() {
    let metadata = |user: Value| {
        json!({ "class": "experiment",
        "experiment": { "users": 500, "metric": "bought", "user": user } })
    };
    let draws = |seed: Value| json!({ "fractional": [seed, ["on", 1], ["off", 1]] });
    let by = |seed: Value| read(metadata(json!("cookie:s")), draws(seed)).map(|design| design.by);
    let seeded = |path: Value| json!({ "cat": [{ "var": "$flagd.flagKey" }, { "var": path }] });
    assert_eq!(by(seeded(json!("user.id"))), Ok(Some("user.id".to_owned())));
    assert_eq!(by(seeded(json!(["user.id", "nobody"]))), Ok(Some("user.id".to_owned())));
    assert_eq!(by(seeded(json!("targetingKey"))), Ok(None));
    for more in [
        json!([{ "var": "a" }, { "var": "b" }]),
        json!([{ "var": "" }]),
        json!([{ "var": "$flagd.timestamp" }]),
    ] {
        let why = by(json!({ "cat": more })).unwrap_err();
        assert!(why.starts_with("its draw is by more than one attribute"), "{why}");
    }
    let two = json!({ "cat": [{ "var": "a" }, { "var": "b" }] });
    let posted = json!({ "class": "experiment", "experiment": { "users": 500, "metric": "bought" } });
    assert!(read(posted, draws(two)).is_ok(), "who evaluates knows both");
    let share = Share {
        variant: "on".into(),
        otherwise: "off".into(),
        of: Millionths(1_000),
        by: Some("org".into()),
    };
    let definition = flag(metadata(json!("cookie:s")), Value::Null);
    assert_eq!(of(&definition, &state(Serving::Share(share))).unwrap().unwrap().by.as_deref(), Some("org"));
}

#[test]
fn what_a_rule_comes_to_counts_and_not_how_it_is_written() {
    let metadata = json!({ "class": "experiment", "metric": "bought", "experiment": { "users": 500 } });
    let design = read(metadata, half()).unwrap();
    let otherwise = Design { rule: json!({ "$ref": "half" }), ..design.clone() };
    assert!(design.is_same(&otherwise));
    let other = Design { meant: Some("other".to_owned()), alpha: 0.01, ..design.clone() };
    assert_eq!(design.changes(&other), ["what its rule comes to", "how sure its intervals are"]);
    let before = Design { meant: None, ..design.clone() };
    assert!(design.is_same(&before) && !otherwise.is_same(&before), "one from before is known by its rule");
}
