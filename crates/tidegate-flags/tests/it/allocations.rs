//! The hot path allocates nothing: a flag is looked up, its rule evaluated and its variant found in memory that is there.

use allocation_counter::measure;
use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Options};

fn set() -> FlagSet {
    let users: Vec<String> = (0..10_000).map(|n| format!("user-{n}")).collect();
    let flag = |targeting: Value| json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting});
    let file = json!({"flags": {
        "static": flag(json!({})),
        "typical": flag(json!({"if": [
            {"and": [{"ends_with": [{"var": "email"}, "@example.com"]}, {">=": [{"var": "age"}, 18]}]},
            {"fractional": [["on", 25], ["off", 75]]},
            "off",
        ]})),
        "by-cat": flag(json!({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, ["on", 1], ["off", 1]]})),
        "listed": flag(json!({"if": [{"in": [{"var": "targetingKey"}, users]}, "on", "off"]})),
        "version": flag(json!({"if": [{"sem_ver": [{"var": "version"}, ">=", "2.1.0"]}, "on", "off"]})),
        "dated": flag(json!({"schedule": [["2026-12-01T09:00:00Z", "on"]]})),
        "prerequisite": flag(json!({"if": [{"==": [{"flag": "typical"}, "on"]}, "on", "off"]})),
    }});
    FlagSet::parse(&file.to_string(), &Options::default()).unwrap()
}

#[test]
fn a_boolean_is_resolved_without_an_allocation() {
    let set = set();
    let who =
        json!({"targetingKey": "user-77", "email": "ann@example.com", "age": 30, "version": "2.2.0-rc.1"});
    let context = Context::new(who.as_object().unwrap().clone()).unwrap();
    // What is counted is counted at all.
    assert!(measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total > 0);
    for key in ["static", "typical", "by-cat", "listed", "version", "dated"] {
        let mut value = None;
        let allocated = measure(|| {
            value = set.resolve(key, &context, 1_797_000_000).unwrap().value.and_then(Value::as_bool)
        });
        assert!(value.is_some(), "{key}");
        assert_eq!(allocated.count_total, 0, "{key}");
    }
}
