//! What an evaluation costs; `bench/flags` runs it, built with optimisation.
#![allow(clippy::print_stdout)] // figures belong into the test's output

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tidegate_flags::{Context, FlagSet, Options};

const BATCHES: usize = 301;
const NOW: i64 = 1_797_000_000;
/// What is promised of a typical flag, in ns; of all of a hundred, in µs.
const TYPICAL_NS: f64 = 200.0;
const HUNDRED_US: f64 = 100.0;

fn flag(targeting: Value) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting})
}

pub fn typical() -> Value {
    json!({"if": [
        {"and": [{"ends_with": [{"var": "email"}, "@example.com"]}, {">=": [{"var": "age"}, 18]}]},
        {"fractional": [["on", 25], ["off", 75]]},
        "off",
    ]})
}

/// Rules by what they show.
pub fn rules() -> Vec<(&'static str, Value)> {
    let users: Vec<String> = (0..10_000).map(|n| format!("user-{n}")).collect();
    vec![
        ("no rule", json!({})),
        ("one attribute", json!({"if": [{"==": [{"var": "tier"}, "gold"]}, "on", "off"]})),
        ("typical: two conditions and a draw", typical()),
        (
            "a draw by a text put together",
            json!({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "email"}]}, ["on", 1], ["off", 1]]}),
        ),
        ("one of 10,000 users", json!({"if": [{"in": [{"var": "targetingKey"}, users]}, "on", "off"]})),
        ("a version", json!({"if": [{"sem_ver": [{"var": "version"}, ">=", "2.1.0"]}, "on", "off"]})),
        ("a schedule", json!({"schedule": [["2026-12-01T09:00:00Z", "on"]]})),
        (
            "a ramp of three steps",
            json!({"ramp": {"variant": "on", "otherwise": "off", "steps": [[0, 1], [86_400, 10], [172_800, 50]]}}),
        ),
        (
            "a prerequisite",
            json!({"if": [{"==": [{"flag": "base"}, "on"]}, {"fractional": [["on", 80], ["off", 20]]}, "off"]}),
        ),
    ]
}

pub fn context() -> Context {
    let who = json!({
        "targetingKey": "user-4711", "email": "ann@example.com", "age": 30, "tier": "gold", "version": "2.2.0", "country": "DE",
        "beta": true, "device": {"os": "linux"},
    });
    Context::new(who.as_object().unwrap().clone()).unwrap()
}

/// The median time of one, in ns, over batches of so many.
fn median_ns(batch: u32, mut once: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let begun = Instant::now();
            (0..batch).for_each(|_| once());
            begun.elapsed().as_nanos() as f64 / f64::from(batch)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[BATCHES / 2]
}

#[test]
#[ignore = "measures; bench/flags runs it, built with optimisation"]
fn cost_of_an_evaluation() {
    let mut flags: Map<String, Value> =
        rules().into_iter().map(|(name, rule)| (name.to_owned(), flag(rule))).collect();
    flags.insert("base".to_owned(), flag(typical()));
    let set = FlagSet::parse(&json!({ "flags": flags }).to_string(), &Options::default()).unwrap();
    let context = context();
    println!("| evaluation | median |\n|---|---:|");
    for (name, _) in rules() {
        let ns = median_ns(1_000, || drop(black_box(set.resolve(black_box(name), &context, NOW))));
        println!("| {name} | {ns:.0} ns |");
        assert!(!name.starts_with("typical") || ns <= TYPICAL_NS, "{ns:.0} ns, not {TYPICAL_NS}");
    }
    let hundred: Map<String, Value> = (0..100).map(|n| (format!("flag-{n}"), flag(typical()))).collect();
    let text = json!({ "flags": hundred }).to_string();
    let hundred = FlagSet::parse(&text, &Options::default()).unwrap();
    let us = median_ns(20, || {
        assert!(hundred.resolve_all(&context, NOW).all(|(_, resolved)| black_box(resolved).is_ok()))
    }) / 1e3;
    println!("| all of a hundred typical flags | {us:.1} µs |");
    assert!(us <= HUNDRED_US, "{us:.1} µs, not {HUNDRED_US}");
    let us = median_ns(1, || drop(black_box(FlagSet::parse(&text, &Options::default())))) / 1e3;
    println!("| reading a file of a hundred flags | {us:.0} µs |");
}
