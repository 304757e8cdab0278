//! What Tidegate adds to flagd's language: it means what it says, and a flagd client that gets the set by sync agrees.

use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Options};

use crate::differential::{answer, javascript};

const DAY: i64 = 86_400;
/// 2026-12-01T09:00:00Z
const FIRST: i64 = 1_796_115_600;

fn flag(rule: Value) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": rule})
}

fn parse(file: &Value) -> FlagSet {
    FlagSet::parse(&file.to_string(), &Options::default()).unwrap()
}

fn refused(file: &Value) -> String {
    FlagSet::parse(&file.to_string(), &Options::default()).unwrap_err().to_string()
}

fn who(key: &str) -> Context {
    Context::new(json!({"targetingKey": key}).as_object().unwrap().clone()).unwrap()
}

fn variant<'s>(set: &'s FlagSet, key: &str, context: &Context, now: i64) -> &'s str {
    set.resolve(key, context, now).unwrap().variant.unwrap()
}

#[test]
fn a_segment_has_whom_it_includes_and_whom_its_rule_finds_but_nobody_excluded() {
    let set = parse(&json!({
        "segments": {
            "staff": {"include": ["ann", "bob"], "exclude": ["eve", "bob"], "rule": {"ends_with": [{"var": "targetingKey"}, "e"]}},
        },
        "flags": {"f": flag(json!({"if": [{"segment": "staff"}, "on", "off"]}))},
    }));
    for (key, expected) in [("ann", "on"), ("bob", "off"), ("eve", "off"), ("zoe", "on"), ("dan", "off")] {
        assert_eq!(variant(&set, "f", &who(key), 0), expected, "{key}");
    }
    assert_eq!(variant(&set, "f", &Context::empty(), 0), "off");
}

#[test]
fn a_schedule_begins_and_ends_at_its_moments() {
    let set = parse(&json!({"flags": {
        "f": flag(json!({"schedule": [["2026-12-01T09:00:00Z", "on"], ["2026-12-02T10:00:00+01:00", "off"]]})),
    }}));
    let at = |now| {
        let resolution = set.resolve("f", &Context::empty(), now).unwrap();
        (resolution.variant.unwrap(), resolution.reason.as_str())
    };
    assert_eq!(at(FIRST - 1), ("off", "DEFAULT"));
    assert_eq!(at(FIRST), ("on", "TARGETING_MATCH"));
    assert_eq!(at(FIRST + DAY - 1), ("on", "TARGETING_MATCH"));
    assert_eq!(at(FIRST + DAY), ("off", "TARGETING_MATCH"));
}

#[test]
fn a_ramp_grows_and_takes_the_variant_from_nobody() {
    let set = parse(&json!({"flags": {"f": flag(json!({"ramp": {
        "variant": "on", "otherwise": "off",
        "steps": [["2026-12-01T09:00:00Z", 1], ["2026-12-02T09:00:00Z", 12.5], ["2026-12-03T09:00:00Z", 50], ["2026-12-04T09:00:00Z", 100]],
    }}))}}));
    let users: Vec<Context> = (0..4_000).map(|n| who(&format!("user-{n}"))).collect();
    let on = |now| users.iter().map(|user| variant(&set, "f", user, now) == "on").collect::<Vec<_>>();
    let mut before = on(FIRST - 1);
    assert!(!before.contains(&true), "somebody has it before the first step");
    for (day, share) in [(0, 0.01), (1, 0.125), (2, 0.5), (3, 1.0)] {
        let now = on(FIRST + day * DAY);
        let count = now.iter().filter(|on| **on).count() as f64 / 4_000.0;
        assert!((count - share).abs() < 0.025, "{count} on day {day}, not {share}");
        assert!(
            before.iter().zip(&now).all(|(before, now)| *now || !before),
            "somebody lost it on day {day}"
        );
        before = now;
    }
}

#[test]
fn a_prerequisite_is_what_the_other_flag_is_by_its_own_draw() {
    let halves = json!({"fractional": [["on", 50], ["off", 50]]});
    let needs = |key: &str| json!({"if": [{"==": [{"flag": key}, "on"]}, {"fractional": [["on", 80], ["off", 20]]}, "off"]});
    let set = parse(
        &json!({"flags": {"base": flag(halves), "middle": flag(needs("base")), "top": flag(needs("middle"))}}),
    );
    let (mut base_on, mut both_on) = (0, 0);
    for n in 0..2_000 {
        let user = who(&format!("user-{n}"));
        let [base, middle, top] = ["base", "middle", "top"].map(|key| variant(&set, key, &user, 0) == "on");
        assert!(base || !middle, "user-{n} has middle without base");
        assert!(middle || !top, "user-{n} has top without middle");
        base_on += i32::from(base);
        both_on += i32::from(middle);
    }
    let share = f64::from(both_on) / f64::from(base_on);
    assert!((share - 0.8).abs() < 0.05, "{share} of those with base have middle: the draws are not apart");
}

#[test]
fn a_prerequisite_that_is_off_or_off_by_default_does_not_hold() {
    let mut disabled = flag(json!({}));
    disabled["state"] = json!("DISABLED");
    disabled["defaultVariant"] = json!("on");
    let ask = |key: &str| flag(json!({"if": [{"==": [{"flag": key}, "on"]}, "on", "off"]}));
    let mut fixed = flag(json!({}));
    fixed["defaultVariant"] = json!("on");
    let set = parse(&json!({"flags": {
        "disabled": disabled, "fixed": fixed, "rule-says-nothing": flag(json!({"if": [{"var": "vip"}, "on"]})),
        "a": ask("disabled"), "b": ask("fixed"), "c": ask("rule-says-nothing"),
    }}));
    assert_eq!(variant(&set, "a", &who("u"), 0), "off");
    assert_eq!(variant(&set, "b", &who("u"), 0), "on");
    assert_eq!(variant(&set, "c", &who("u"), 0), "off");
}

#[test]
fn circles_and_names_of_nothing_are_refused_with_their_place() {
    let asks = |key: &str| flag(json!({"if": [{"==": [{"flag": key}, "on"]}, "on", "off"]}));
    let circle = refused(&json!({"flags": {"a": asks("b"), "b": asks("c"), "c": asks("a")}}));
    assert!(circle.contains("flag:a → flag:b → flag:c → flag:a"), "{circle}");
    assert_eq!(
        refused(&json!({"flags": {"a/b": asks("nothing")}})),
        "/flags/a~1b/targeting/if/0/==/0/flag: no flag has the key \"nothing\""
    );
    let segment = refused(&json!({"flags": {"f": flag(json!({"segment": "none"}))}}));
    assert_eq!(segment, "/flags/f/targeting/segment: no segment is named \"none\"");
    let schedule = refused(&json!({"flags": {"f": flag(json!({"schedule": [["tomorrow", "on"]]}))}}));
    assert_eq!(
        schedule,
        "/flags/f/targeting/schedule: \"tomorrow\" is no moment; one is 2026-12-01T09:00:00Z"
    );
    let ramp =
        refused(&json!({"flags": {"f": flag(json!({"ramp": {"variant": "on", "steps": [[0, 101]]}}))}}));
    assert_eq!(
        ramp,
        "/flags/f/targeting/ramp: 101 is no percentage: from 0 to 100, with up to three decimals"
    );
    let evaluators =
        refused(&json!({"flags": {}, "$evaluators": {"a": {"$ref": "b"}, "b": {"!": {"$ref": "a"}}}}));
    assert_eq!(evaluators, "/$evaluators/a: the evaluator depends on itself: a → b → a");
}

#[test]
fn evaluators_that_grow_without_end_are_refused() {
    let mut evaluators = json!({"e0": {"var": "x"}});
    for n in 1..40 {
        evaluators[format!("e{n}")] =
            json!({"or": [{"$ref": format!("e{}", n - 1)}, {"$ref": format!("e{}", n - 1)}]});
    }
    let message = refused(&json!({"flags": {"f": flag(json!({"$ref": "e39"}))}, "$evaluators": evaluators}));
    assert!(message.ends_with("the evaluators are too large"), "{message}");
}

/// What is served by sync has flagd's words alone, and flagd's evaluator says of it what ours says of the original.
#[test]
fn flagds_evaluator_agrees_on_what_is_served() {
    let file = json!({
        "segments": {"beta": {"include": ["user-3", "user-5"], "rule": {"in": ["7", {"var": "targetingKey"}]}}},
        "$evaluators": {"drawn": {"fractional": [["on", 40], ["off", 60]]}},
        "flags": {
            "base": flag(json!({"$ref": "drawn"})),
            "by-key": flag(json!({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, ["on", 1], ["off", 1]]})),
            "beta": flag(json!({"if": [{"segment": "beta"}, "on", {"flag": "base"}]})),
            "top": flag(json!({"if": [{"and": [{"==": [{"flag": "beta"}, "on"]}, {"==": [{"flag": "by-key"}, "on"]}]}, "on", "off"]})),
            "ramp": flag(json!({"ramp": {"variant": "on", "otherwise": "off", "steps": [[FIRST, 10], [FIRST + DAY, 60.125]]}})),
            "scheduled": flag(json!({"schedule": [[FIRST, {"flag": "ramp"}], [FIRST + 2 * DAY, "on"]]})),
        },
    });
    let set = parse(&file);
    let served: Value = serde_json::from_str(set.source()).unwrap();
    let keys: Vec<&str> = set.keys().collect();
    let mut asks = Vec::new();
    for day in -1..3 {
        for (user, key) in (0..60).flat_map(|user| keys.iter().map(move |key| (user, key))) {
            asks.push(json!({"key": key, "context": {"targetingKey": format!("user-{user}")}, "now": FIRST + day * DAY + 5}));
        }
        asks.extend(keys.iter().map(|key| json!({"key": key, "context": {}, "now": FIRST + day * DAY})));
    }
    let theirs = javascript(&[json!({"set": served, "asks": asks})]);
    for (ask, theirs) in asks.iter().zip(theirs[0].as_array().unwrap()) {
        assert_eq!(answer(&set, ask), *theirs, "{ask}");
    }
}
